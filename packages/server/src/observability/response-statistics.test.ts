import { ManualClock } from '@nereid/test-kit';
import { expect, test } from 'vitest';
import { ModelStatistics } from './model-statistics.ts';
import { ResponseCounts } from './response-statistics.ts';

const none = { count: 0, ns: 0 };

test('tells answers apart by their place and by what became of them', () => {
  const counts = new ResponseCounts();
  counts.record(0, 'success', 100, 10);
  counts.record(0, 'success', 200, 20);
  counts.record(1, 'fail', 50, 0);
  counts.record(1, 'fail', 50, 5);
  counts.record(2, 'empty_response', 30, 0);
  counts.record(2, 'cancel', 7, 0);
  expect(counts.snapshot()).toEqual({
    '0': {
      compute_infer: { count: 2, ns: 300 },
      compute_output: { count: 2, ns: 30 },
      success: { count: 2, ns: 330 },
      fail: none,
      empty_response: none,
      cancel: none,
    },
    '1': {
      compute_infer: { count: 2, ns: 100 },
      compute_output: { count: 1, ns: 5 },
      success: none,
      fail: { count: 2, ns: 105 },
      empty_response: none,
      cancel: none,
    },
    '2': {
      compute_infer: { count: 1, ns: 30 },
      compute_output: none,
      success: none,
      fail: none,
      empty_response: { count: 1, ns: 30 },
      cancel: { count: 1, ns: 7 },
    },
  });
});

test('stays bounded, however long a stream is', () => {
  const counts = new ResponseCounts();
  for (let index = 0; index < 100_000; index++) counts.record(index, 'success', 1, 1);
  expect(Object.keys(counts.snapshot())).toHaveLength(1024);
});

test('is part of the statistics once a backend reports', () => {
  const statistics = new ModelStatistics(new ManualClock());
  expect(statistics.snapshot().response_stats).toEqual({});
  statistics.recordResponse(0, 'success', 3, 4);
  expect(statistics.snapshot().response_stats['0']?.success).toEqual({ count: 1, ns: 7 });
});
