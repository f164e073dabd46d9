import { ManualClock } from '@nereid/test-kit';
import { expect, test } from 'vitest';
import { eventLoopDelay } from './own-families.ts';
import { type DelayMonitor, ProcessMetrics } from './process-metrics.ts';

test('tells by how much timers were late in the last interval, and altogether', () => {
  const clock = new ManualClock();
  const delays = {
    count: 0,
    mean: 0,
    enabled: 0,
    enable: () => ++delays.enabled > 0,
    disable: () => --delays.enabled === 0,
    reset: () => {
      delays.count = 0;
    },
    percentile: (percentile: number) => 20e6 + percentile * 1e6,
  };
  const metrics = new ProcessMetrics(clock, 1000, delays as DelayMonitor);
  const delay = (): unknown =>
    metrics.collect().find(({ family }) => family === eventLoopDelay)?.value;
  metrics.start();
  expect(delay()).toMatchObject({ count: 0, sum: 0 });
  Object.assign(delays, { count: 10, mean: 22e6 });
  clock.advanceMs(1000);
  expect(delay()).toMatchObject({
    count: 10,
    sum: expect.closeTo(0.02, 9),
    quantiles: [
      [0.5, expect.closeTo(0.05, 9)],
      [0.9, expect.closeTo(0.09, 9)],
      [0.99, expect.closeTo(0.099, 9)],
      [1, expect.closeTo(0.1, 9)],
    ],
  });
  clock.advanceMs(1000);
  expect(delay()).toMatchObject({
    count: 10,
    quantiles: [
      [0.5, Number.NaN],
      [0.9, Number.NaN],
      [0.99, Number.NaN],
      [1, Number.NaN],
    ],
  });
  metrics.stop();
  expect(delays.enabled).toBe(0);
});
