import type { Clock } from '../core/clock.ts';
import type { MetricCollector } from './metric-sample.ts';
import type { MetricsFormat } from './metrics-format.ts';
import { type MetricSource, ModelMetrics } from './model-metrics.ts';
import { openMetricsText } from './open-metrics-text.ts';
import { prometheusText } from './prometheus-text.ts';
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

/** Something that samples between `start` and `stop`. */
export interface SampledMetrics extends MetricCollector {
  start(): void;
  stop(): void;
}

/**
 * Everything that the metrics page shows. Values are read when the page is asked for; only what
 * must be sampled is, from `start` to `stop`.
 */
export class MetricsRegistry {
  readonly #collectors: MetricCollector[];
  readonly #sampled: SampledMetrics[];

  constructor(
    configuration: MetricsConfiguration,
    source: MetricSource,
    clock: Clock,
    read: ReadText = readSystemFile,
  ) {
    const { cpu, intervalMs, counterLatencies } = configuration;
    this.#sampled = cpu ? [new SystemMetrics(clock, read, intervalMs)] : [];
    this.#collectors = [
      new ModelMetrics(source, counterLatencies),
      pinnedMemoryMetrics,
      ...this.#sampled,
    ];
  }

  /** Adds metrics of another part of the server, to be shown from now on. */
  register(collector: MetricCollector): void {
    this.#collectors.push(collector);
  }

  /** Adds metrics that are sampled. Call it before `start`. */
  registerSampled(metrics: SampledMetrics): void {
    this.#sampled.push(metrics);
    this.register(metrics);
  }

  start(): void {
    for (const metrics of this.#sampled) metrics.start();
  }

  stop(): void {
    for (const metrics of this.#sampled) metrics.stop();
  }

  /** The page, in Prometheus' text format unless another is asked for. */
  text(format: MetricsFormat = 'prometheus'): string {
    const samples = this.#collectors.flatMap((collector) => collector.collect());
    return format === 'openmetrics' ? openMetricsText(samples) : prometheusText(samples);
  }
}
