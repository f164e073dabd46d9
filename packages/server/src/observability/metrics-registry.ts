import type { Clock } from '../core/clock.ts';
import { type MetricSource, ModelMetrics } from './model-metrics.ts';
import { type MetricCollector, prometheusText } from './prometheus-text.ts';
import { pinnedMemoryMetrics, SystemMetrics } from './system-metrics.ts';
import { type ReadText, readSystemFile } from './system-usage.ts';

/** What is measured. `options/` compiles it from the command line. */
export interface MetricsConfiguration {
  /** Processor and memory are sampled. */
  readonly cpu: boolean;
  readonly intervalMs: number;
  /** False stops every inference counter. */
  readonly counterLatencies: boolean;
}

/**
 * Everything that the metrics page shows. Values are read when the page is asked for; only what
 * must be sampled is, from `start` to `stop`.
 */
export class MetricsRegistry {
  readonly #collectors: MetricCollector[];
  readonly #system: SystemMetrics | null;

  constructor(
    configuration: MetricsConfiguration,
    source: MetricSource,
    clock: Clock,
    read: ReadText = readSystemFile,
  ) {
    this.#system = configuration.cpu
      ? new SystemMetrics(clock, read, configuration.intervalMs)
      : null;
    this.#collectors = [
      new ModelMetrics(source, configuration.counterLatencies),
      pinnedMemoryMetrics,
    ];
    if (this.#system !== null) this.#collectors.push(this.#system);
  }

  /** Adds metrics of another part of the server, to be shown from now on. */
  register(collector: MetricCollector): void {
    this.#collectors.push(collector);
  }

  start(): void {
    this.#system?.start();
  }

  stop(): void {
    this.#system?.stop();
  }

  /** The page in Prometheus' text format. */
  text(): string {
    return prometheusText(this.#collectors.flatMap((collector) => collector.collect()));
  }
}
