import {
  type EventLoopUtilization,
  type IntervalHistogram,
  monitorEventLoopDelay,
  performance,
} from 'node:perf_hooks';
import type { Clock, Timer } from '../core/clock.ts';
import type { MetricCollector, MetricSample, SummaryValue } from './metric-sample.ts';
import {
  eventLoopDelay,
  eventLoopUtilization,
  processCpu,
  processMemory,
  processStart,
} from './own-families.ts';

/** The timer whose lateness is measured wakes the process so often. */
const resolutionMs = 20;
const quantiles = [0.5, 0.9, 0.99, 1];

/** The part of Node's histogram of the event loop's delay that is used. Nanoseconds; they hold the resolution. */
export type DelayMonitor = Pick<
  IntervalHistogram,
  'enable' | 'disable' | 'reset' | 'percentile' | 'count' | 'mean'
>;

/** What this process costs, and how far behind its event loop is. `start` once, `stop` at the end. */
export class ProcessMetrics implements MetricCollector {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #delays: DelayMonitor;
  readonly #startSecs: number;
  #timer: Timer | null = null;
  #loop: EventLoopUtilization = performance.eventLoopUtilization();
  #utilization = 0;
  /** Of the intervals that are over. */
  #count = 0;
  #sumSecs = 0;
  #last: SummaryValue['quantiles'] = quantiles.map((quantile) => [quantile, Number.NaN]);

  constructor(
    clock: Clock,
    intervalMs: number,
    delays: DelayMonitor = monitorEventLoopDelay({ resolution: resolutionMs }),
  ) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#delays = delays;
    this.#startSecs = clock.wallMs() / 1000 - process.uptime();
  }

  start(): void {
    if (this.#timer !== null) return;
    this.#delays.enable();
    this.#wait();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#delays.disable();
  }

  collect(): readonly MetricSample[] {
    const { user, system } = process.cpuUsage();
    const delay: SummaryValue = {
      kind: 'summary',
      quantiles: this.#last,
      count: this.#count,
      sum: this.#sumSecs,
    };
    return [
      { family: processCpu, labels: '', value: (user + system) / 1e6 },
      { family: eventLoopUtilization, labels: '', value: this.#utilization },
      { family: processMemory, labels: '', value: process.memoryUsage.rss() },
      { family: processStart, labels: '', value: this.#startSecs },
      { family: eventLoopDelay, labels: '', value: delay },
    ];
  }

  #wait(): void {
    this.#timer = this.#clock.setTimer(this.#intervalMs, () => {
      this.#sample();
      this.#wait();
    });
  }

  #sample(): void {
    const loop = performance.eventLoopUtilization();
    this.#utilization = performance.eventLoopUtilization(loop, this.#loop).utilization;
    this.#loop = loop;
    const { count, mean } = this.#delays;
    this.#last = quantiles.map((quantile) => [
      quantile,
      count === 0 ? Number.NaN : latenessSecs(this.#delays.percentile(quantile * 100)),
    ]);
    if (count > 0) {
      this.#count += count;
      this.#sumSecs += latenessSecs(mean) * count;
    }
    this.#delays.reset();
  }
}

/** What the monitor measures is the time between two calls of its timer. */
function latenessSecs(betweenNs: number): number {
  return Math.max(0, betweenNs / 1e9 - resolutionMs / 1000);
}
