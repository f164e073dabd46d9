import { describe, expect, it } from 'vitest';
import { checkModelStatistics } from './check-serving.ts';

const none = { count: 0, ns: 0 };
const each = (count: number, milliseconds: number) => ({ count, ns: count * milliseconds * 1e6 });

function problems(
  statistics: Partial<
    Record<
      'success' | 'fail' | 'queue' | 'compute_infer' | 'cache_hit',
      { count: number; ns: number }
    >
  >,
  executions: number,
  config: object,
): string[] {
  const stats = {
    name: 'm',
    version: '1',
    execution_count: executions,
    inference_stats: {
      success: none,
      fail: none,
      queue: none,
      compute_infer: none,
      cache_hit: none,
      ...statistics,
    },
  };
  return checkModelStatistics(stats, { max_batch_size: 8, ...config }).map(
    ({ severity, problem, fix }) => `${severity}: ${problem} → ${fix}`,
  );
}

const batching = { dynamic_batching: {} };
const quick = { queue: each(1000, 0.01), compute_infer: each(1000, 1) };
const waiting = { queue: each(1000, 5), compute_infer: each(1000, 1) };

describe('what statistics tell', () => {
  it('is nothing for a model that fares well, or has hardly been asked', () => {
    expect(problems({ success: each(1000, 1), ...quick }, 300, batching)).toEqual([]);
    expect(problems({ success: each(10, 9), ...waiting }, 10, batching)).toEqual([]);
  });

  it('is that batching never batches, and why', () => {
    const [alone] = problems({ success: each(1000, 1), ...quick }, 980, batching);
    expect(alone).toMatch(
      /^advice: dynamic batching joined hardly any requests: 980 .* one after the other/u,
    );
    const waits = { queue: each(1000, 0.5), compute_infer: each(1000, 1) };
    const [apart] = problems({ success: each(1000, 1), ...waits }, 980, batching);
    expect(apart).toContain('different shapes');
  });

  it('counts no answers from the cache as executed', () => {
    const hits = { success: each(1000, 1), cache_hit: each(950, 0.1), ...quick };
    expect(problems(hits, 50, batching)).toEqual([]);
  });

  it('is that requests wait, and what would help', () => {
    const [joined] = problems({ success: each(1000, 6), ...waiting }, 200, batching);
    expect(joined).toMatch(/^warning: requests wait 5\.0 ms for 1\.0 ms .* instance_group/u);
    const [alone] = problems({ success: each(1000, 6), ...waiting }, 1000, {});
    expect(alone).toContain('add dynamic_batching');
  });

  it('is that requests fail', () => {
    const [found] = problems({ success: each(50, 1), fail: each(50, 1) }, 50, {});
    expect(found).toContain('50 of 100 requests failed');
  });
});
