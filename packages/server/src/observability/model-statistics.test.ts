import { ManualClock } from '@nereid/test-kit';
import { describe, expect, test } from 'vitest';
import { ModelStatistics } from './model-statistics.ts';

const nothing = { count: 0, ns: 0 };

describe('ModelStatistics', () => {
  test('begins with zeros everywhere', () => {
    expect(new ModelStatistics(new ManualClock()).snapshot()).toEqual({
      last_inference: 0,
      inference_count: 0,
      execution_count: 0,
      inference_stats: {
        success: nothing,
        fail: nothing,
        queue: nothing,
        compute_input: nothing,
        compute_infer: nothing,
        compute_output: nothing,
        cache_hit: nothing,
        cache_miss: nothing,
      },
      response_stats: {},
      batch_stats: [],
      memory_usage: [],
    });
  });

  test('counts inferences by batch elements and executions by batch', () => {
    const clock = new ManualClock();
    const statistics = new ModelStatistics(clock);
    // Two requests of 3 and 5 elements in one batch of 8, then one alone.
    statistics.recordBatch(8, 1, 2, 3);
    statistics.recordSuccess(3, 100, 10, 1, 2, 3);
    statistics.recordSuccess(5, 200, 20, 1, 2, 3);
    clock.advanceMs(5);
    statistics.recordBatch(1, 10, 20, 30);
    statistics.recordSuccess(1, 400, 40, 10, 20, 30);

    const snapshot = statistics.snapshot();
    expect(snapshot.inference_count).toBe(9);
    expect(snapshot.execution_count).toBe(2);
    expect(snapshot.last_inference).toBe(Date.UTC(2026, 0, 2, 15, 4, 5, 128));
    expect(snapshot.inference_stats.success).toEqual({ count: 3, ns: 700 });
    expect(snapshot.inference_stats.queue).toEqual({ count: 3, ns: 70 });
    expect(snapshot.inference_stats.compute_infer).toEqual({ count: 3, ns: 24 });
    expect(snapshot.batch_stats).toEqual([
      {
        batch_size: 1,
        compute_input: { count: 1, ns: 10 },
        compute_infer: { count: 1, ns: 20 },
        compute_output: { count: 1, ns: 30 },
      },
      {
        batch_size: 8,
        compute_input: { count: 1, ns: 1 },
        compute_infer: { count: 1, ns: 2 },
        compute_output: { count: 1, ns: 3 },
      },
    ]);
  });

  test('adds failures up over their reasons', () => {
    const statistics = new ModelStatistics(new ManualClock());
    statistics.recordFailure('REJECTED', 1);
    statistics.recordFailure('CANCELED', 2);
    statistics.recordFailure('BACKEND', 3);
    statistics.recordFailure('OTHER', 4);
    statistics.recordFailure('OTHER', 5);
    expect(statistics.snapshot().inference_stats.fail).toEqual({ count: 5, ns: 15 });
    expect(statistics.snapshot().inference_stats.success).toEqual(nothing);
    expect(statistics.counters().failureCounts).toEqual({
      REJECTED: 1,
      CANCELED: 1,
      BACKEND: 1,
      OTHER: 2,
    });
  });

  test('counts a cache hit as queued, not as computed nor as an inference', () => {
    const statistics = new ModelStatistics(new ManualClock());
    statistics.recordBatch(1, 1, 1, 1);
    statistics.recordSuccess(1, 100, 10, 1, 1, 1);
    statistics.recordCacheMiss(7);
    statistics.recordCacheHit(50, 5, 4);
    const { inference_stats: stats, inference_count, execution_count } = statistics.snapshot();
    expect([inference_count, execution_count]).toEqual([1, 1]);
    expect(stats.success).toEqual({ count: 2, ns: 157 });
    expect(stats.queue).toEqual({ count: 2, ns: 15 });
    expect(stats.compute_infer).toEqual({ count: 1, ns: 1 });
    expect(stats.cache_hit).toEqual({ count: 1, ns: 4 });
    expect(stats.cache_miss).toEqual({ count: 1, ns: 7 });
  });

  test('keeps the time of the last inference when the date jumps back', () => {
    const clock = new ManualClock();
    const statistics = new ModelStatistics(clock);
    statistics.recordBatch(1, 0, 0, 0);
    const before = statistics.snapshot().last_inference;
    clock.setWallMs(1000);
    statistics.recordBatch(1, 0, 0, 0);
    expect(statistics.snapshot().last_inference).toBe(before);
  });

  test('writes whole nanoseconds, since the wire has integers', () => {
    const statistics = new ModelStatistics(new ManualClock());
    statistics.recordSuccess(1, 0.4, 0.6, 1.2, 0, 0);
    const { success, queue, compute_input } = statistics.snapshot().inference_stats;
    expect([success.ns, queue.ns, compute_input.ns]).toEqual([0, 1, 1]);
  });
});
