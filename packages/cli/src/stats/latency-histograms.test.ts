import { describe, expect, it } from 'vitest';
import { latencyQuantile, modelKey, readLatencyHistograms } from './latency-histograms.ts';

const line = (model: string, bound: string, count: number): string =>
  `nereid_inference_request_duration_seconds_bucket{model="${model}",version="1",le="${bound}"} ${count}`;

describe('latency histograms', () => {
  it('are read from the metrics page, by model and version', () => {
    const page = [
      '# TYPE nereid_inference_request_duration_seconds histogram',
      line('a', '0.001', 3),
      line('a', '+Inf', 4),
      line('b\\"\\\\c', '0.5', 7),
      'nereid_inference_request_duration_seconds_sum{model="a",version="1"} 0.1',
      'nv_inference_count{model="a",version="1"} 5',
    ].join('\n');
    const histograms = readLatencyHistograms(page);
    expect([...histograms.keys()]).toEqual([modelKey('a', '1'), modelKey('b"\\c', '1')]);
    expect([...(histograms.get(modelKey('a', '1')) ?? [])]).toEqual([
      [0.001, 3],
      [Number.POSITIVE_INFINITY, 4],
    ]);
  });

  it.each([
    ['the middle of a bucket', { 1: 10, 2: 20 }, 0.75, 1.5e9],
    ['the end of a bucket', { 1: 10, 2: 20 }, 0.5, 1e9],
    ['beyond the last bound', { 1: 10, Infinity: 20 }, 0.99, 1e9],
    ['nothing', { 1: 0, Infinity: 0 }, 0.5, null],
  ])('give quantiles: %s', (_, counts, share, expected) => {
    const buckets = new Map(Object.entries(counts).map(([bound, count]) => [Number(bound), count]));
    expect(latencyQuantile(null, buckets, share)).toBe(expected);
  });

  it('give those of the requests since an earlier look', () => {
    const before = new Map([
      [1, 100],
      [2, 100],
    ]);
    const now = new Map([
      [1, 100],
      [2, 110],
    ]);
    expect(latencyQuantile(before, now, 0.5)).toBe(1.5e9);
    expect(latencyQuantile(now, now, 0.5)).toBeNull();
    expect(latencyQuantile(null, null, 0.5)).toBeNull();
  });
});
