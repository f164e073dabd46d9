import { ManualClock } from '@nereid/test-kit';
import { expect, test } from 'vitest';
import { GpuMetrics, type GpuSource, type GpuState } from './gpu-metrics.ts';
import { prometheusText } from './prometheus-text.ts';

const idle: GpuState = {
  uuid: 'GPU-a',
  powerUsageWatts: 60.5,
  powerLimitWatts: 700,
  energyJoules: 5000,
  utilization: 0,
  memoryTotalBytes: 1000,
  memoryUsedBytes: 10,
};

function setUp(states: GpuState[]): {
  metrics: GpuMetrics;
  clock: ManualClock;
  lines: () => string[];
  source: GpuSource & { closed: number; reads: number };
} {
  const clock = new ManualClock();
  const source = {
    closed: 0,
    reads: 0,
    read: async () => {
      source.reads++;
      return states;
    },
    close: async () => {
      source.closed++;
    },
  };
  const metrics = new GpuMetrics(clock, 1000, async () => source);
  return {
    metrics,
    clock,
    source,
    lines: () =>
      prometheusText(metrics.collect())
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#')),
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('shows the last answers, and the energy since the start', async () => {
  const states = [idle];
  const { metrics, clock, lines, source } = setUp(states);
  metrics.start();
  await settled();
  expect(lines()).toEqual([
    'nv_energy_consumption{gpu_uuid="GPU-a"} 0',
    'nv_gpu_utilization{gpu_uuid="GPU-a"} 0',
    'nv_gpu_memory_total_bytes{gpu_uuid="GPU-a"} 1000',
    'nv_gpu_memory_used_bytes{gpu_uuid="GPU-a"} 10',
    'nv_gpu_power_usage{gpu_uuid="GPU-a"} 60.5',
    'nv_gpu_power_limit{gpu_uuid="GPU-a"} 700',
  ]);
  states[0] = { ...idle, energyJoules: 5120.5, utilization: 0.5, powerUsageWatts: null };
  clock.advanceMs(1000);
  await settled();
  expect(lines()).toContain('nv_energy_consumption{gpu_uuid="GPU-a"} 120.5');
  expect(lines()).toContain('nv_gpu_utilization{gpu_uuid="GPU-a"} 0.5');
  expect(lines().some((line) => line.includes('power_usage'))).toBe(false);
  metrics.stop();
  clock.advanceMs(10_000);
  await settled();
  expect([source.reads, source.closed, clock.timerCount]).toEqual([2, 1, 0]);
});

test('has nothing where there is no GPU', async () => {
  const clock = new ManualClock();
  const metrics = new GpuMetrics(clock, 1000, async () => null);
  metrics.start();
  await settled();
  expect([metrics.collect(), clock.timerCount]).toEqual([[], 0]);
  metrics.stop();
});

test('closes a library that opened after the stop', async () => {
  const { metrics, source } = setUp([idle]);
  metrics.start();
  metrics.stop();
  await settled();
  expect([source.reads, source.closed]).toEqual([0, 1]);
});
