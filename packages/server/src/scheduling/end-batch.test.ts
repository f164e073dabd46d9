import { ManualClock } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import { ModelStatistics } from '../observability/model-statistics.ts';
import { type EndingExecution, endBatch } from './end-batch.ts';

/** @param times of its start, the end of its input, the start of its output, and its end; zeros for one that was given up. */
function execution(times: readonly [number, number, number, number]): EndingExecution {
  const [computeStartNs, computeInputEndNs, computeOutputStartNs, computeEndNs] = times;
  const all = { computeStartNs, computeInputEndNs, computeOutputStartNs, computeEndNs };
  return { ...all, executionEnded: () => {} } as EndingExecution;
}

it('counts a batch from the first start to the last end of its requests', () => {
  const statistics = new ModelStatistics(new ManualClock());
  const batch = [
    execution([0, 0, 0, 0]),
    execution([200, 210, 230, 235]),
    execution([100, 110, 130, 135]),
    execution([300, 310, 330, 335]),
  ];
  endBatch(batch, 3, statistics);
  expect(statistics.snapshot().batch_stats).toEqual([
    {
      batch_size: 3,
      compute_input: { count: 1, ns: 10 },
      compute_infer: { count: 1, ns: 220 },
      compute_output: { count: 1, ns: 5 },
    },
  ]);
});

it('counts no batch that everybody gave up', () => {
  const statistics = new ModelStatistics(new ManualClock());
  endBatch([execution([0, 0, 0, 0])], 1, statistics);
  expect(statistics.snapshot()).toMatchObject({ execution_count: 0, batch_stats: [] });
});
