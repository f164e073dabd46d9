import type { Clock, Timer } from '../core/clock.ts';
import {
  cpuMemoryTotal,
  cpuMemoryUsed,
  cpuUtilization,
  pinnedMemoryTotal,
  pinnedMemoryUsed,
} from './metric-families.ts';
import type { MetricCollector, MetricSample } from './metric-sample.ts';
import { type ReadText, readSystemUsage, type SystemUsage } from './system-usage.ts';

/**
 * Metrics of the machine. Processor utilisation needs two looks, so it is sampled by a timer; a
 * scrape gets the last sample. The owner calls `start` once, and `stop` at the end.
 */
export class SystemMetrics implements MetricCollector {
  readonly #clock: Clock;
  readonly #read: ReadText;
  readonly #intervalMs: number;
  #timer: Timer | null = null;
  #last: SystemUsage | null = null;
  #utilization = 0;

  constructor(clock: Clock, read: ReadText, intervalMs: number) {
    this.#clock = clock;
    this.#read = read;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    if (this.#timer !== null) return;
    this.#sample();
    this.#timer = this.#clock.setTimer(this.#intervalMs, () => {
      this.#timer = null;
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  collect(): readonly MetricSample[] {
    return [
      { family: cpuUtilization, labels: '', value: this.#utilization },
      { family: cpuMemoryTotal, labels: '', value: this.#last?.memoryTotalBytes ?? 0 },
      { family: cpuMemoryUsed, labels: '', value: this.#last?.memoryUsedBytes ?? 0 },
    ];
  }

  #sample(): void {
    const usage = readSystemUsage(this.#read, this.#clock.nowNs() / 1e9);
    const before = this.#last;
    this.#last = usage;
    if (usage === null || before === null) {
      this.#utilization = 0;
      return;
    }
    const used = usage.cpuUsedSecs - before.cpuUsedSecs;
    const available = usage.cpuAvailableSecs - before.cpuAvailableSecs;
    this.#utilization = available > 0 ? Math.min(1, Math.max(0, used / available)) : 0;
  }
}

/** Triton writes these without a GPU too. */
export const pinnedMemoryMetrics: MetricCollector = {
  collect: () => [
    { family: pinnedMemoryTotal, labels: '', value: 0 },
    { family: pinnedMemoryUsed, labels: '', value: 0 },
  ],
};
