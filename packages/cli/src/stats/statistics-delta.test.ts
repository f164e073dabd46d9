import type { ModelStatistics } from '@nereid/client';
import { expect, it } from 'vitest';
import { activityTable } from './activity-table.ts';
import { activityBetween } from './statistics-delta.ts';

function statistics(requests: number, name = 'm'): ModelStatistics {
  const each = (ns: number) => ({ count: requests, ns: requests * ns });
  return {
    name,
    version: '1',
    last_inference: 0,
    inference_count: requests * 2,
    execution_count: requests / 2,
    inference_stats: {
      success: each(3_000_000),
      fail: { count: 1, ns: 5 },
      queue: each(1_000_000),
      compute_input: each(0),
      compute_infer: each(2_000_000),
      compute_output: each(0),
      cache_hit: { count: requests / 4, ns: 0 },
      cache_miss: { count: (requests * 3) / 4, ns: 0 },
    },
    batch_stats: [
      {
        batch_size: 1,
        compute_input: each(0),
        compute_infer: { count: requests / 4, ns: 0 },
        compute_output: each(0),
      },
      {
        batch_size: 8,
        compute_input: each(0),
        compute_infer: { count: requests / 8, ns: 0 },
        compute_output: each(0),
      },
    ],
  };
}

it('tells what happened since the start', () => {
  expect(activityTable(activityBetween(null, { atMs: 0, models: [statistics(800)] }), false)).toBe(
    'MODEL  VERSION  REQUESTS  FAILED  LATENCY    QUEUE  COMPUTE  CACHE  BATCH  BATCH SIZES\n' +
      'm            1       800       1  3.00 ms  1.00 ms  2.00 ms   25 %    4.0  1: 67 %, 8: 33 %\n',
  );
});

it('tells what happened between two looks', () => {
  const before = { atMs: 1000, models: [statistics(800)] };
  const [one] = activityBetween(before, { atMs: 3000, models: [statistics(1600)] });
  expect(one).toMatchObject({
    succeeded: 800,
    failed: 0,
    requestsPerSecond: 400,
    inferencesPerSecond: 800,
    batch: 4,
  });
  const [idle] = activityBetween(before, { atMs: 3000, models: [statistics(800)] });
  expect(idle).toMatchObject({
    succeeded: 0,
    requestsPerSecond: 0,
    latencyNs: null,
    batch: null,
    cacheHits: null,
  });
  expect(activityTable([idle as never], true)).toContain(
    'm            1      0        0       0        -',
  );
});

it('counts a model anew that was loaded again', () => {
  const before = { atMs: 0, models: [statistics(800), statistics(8, 'gone')] };
  const [one, ...more] = activityBetween(before, { atMs: 1000, models: [statistics(80)] });
  expect(one?.succeeded).toBe(80);
  expect(more).toEqual([]);
});
