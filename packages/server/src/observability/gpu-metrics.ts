import type { Clock, Timer } from '../core/clock.ts';
import {
  gpuEnergy,
  gpuMemoryTotal,
  gpuMemoryUsed,
  gpuPowerLimit,
  gpuPowerUsage,
  gpuUtilization,
} from './gpu-families.ts';
import { labelText } from './metric-labels.ts';
import type { MetricCollector, MetricFamily, MetricSample } from './metric-sample.ts';

/** What is asked of a GPU; null for what it cannot tell. */
export interface GpuState {
  readonly uuid: string;
  readonly powerUsageWatts: number | null;
  readonly powerLimitWatts: number | null;
  /** Counted from any moment. */
  readonly energyJoules: number | null;
  readonly utilization: number | null;
  readonly memoryTotalBytes: number | null;
  readonly memoryUsedBytes: number | null;
}

/** The GPUs of a machine. */
export interface GpuSource {
  read(): Promise<readonly GpuState[]>;
  close(): Promise<void>;
}

const values: readonly (readonly [MetricFamily, (state: GpuState) => number | null])[] = [
  [gpuUtilization, (state) => state.utilization],
  [gpuMemoryTotal, (state) => state.memoryTotalBytes],
  [gpuMemoryUsed, (state) => state.memoryUsedBytes],
  [gpuPowerUsage, (state) => state.powerUsageWatts],
  [gpuPowerLimit, (state) => state.powerLimitWatts],
];

/**
 * Metrics of the GPUs. They are asked every interval, on a thread; a scrape gets the last answers. On
 * a machine without a GPU that is found out once, and nothing more is done.
 */
export class GpuMetrics implements MetricCollector {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #open: () => Promise<GpuSource | null>;
  #source: GpuSource | null = null;
  #timer: Timer | null = null;
  #stopped = false;
  #states: readonly GpuState[] = [];
  /** Joules by GPU at the first look: the page counts from there, as Triton's does. */
  readonly #energyBefore = new Map<string, number>();

  /** @param open Gives null where there are no GPUs. Never rejects. */
  constructor(clock: Clock, intervalMs: number, open: () => Promise<GpuSource | null>) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#open = open;
  }

  start(): void {
    void this.#start();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = null;
    void this.#source?.close();
    this.#source = null;
  }

  collect(): readonly MetricSample[] {
    const samples: MetricSample[] = [];
    for (const state of this.#states) {
      const labels = labelText(new Map([['gpu_uuid', state.uuid]]));
      for (const [family, read] of values) {
        const value = read(state);
        if (value !== null) samples.push({ family, labels, value });
      }
      const before = this.#energyBefore.get(state.uuid);
      if (state.energyJoules === null || before === undefined) continue;
      const value = Math.max(0, state.energyJoules - before);
      samples.push({ family: gpuEnergy, labels, value });
    }
    return samples;
  }

  async #start(): Promise<void> {
    const source = await this.#open();
    if (this.#stopped) {
      await source?.close();
      return;
    }
    this.#source = source;
    if (source !== null) await this.#sample(source);
  }

  async #sample(source: GpuSource): Promise<void> {
    // What cannot be read now may be next time.
    const states = await source.read().catch(() => []);
    if (this.#stopped) return;
    for (const { uuid, energyJoules } of states) {
      if (energyJoules !== null && !this.#energyBefore.has(uuid)) {
        this.#energyBefore.set(uuid, energyJoules);
      }
    }
    this.#states = states;
    this.#timer = this.#clock.setTimer(this.#intervalMs, () => void this.#sample(source));
  }
}
