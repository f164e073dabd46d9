import { describe, expect, it } from 'vitest';
import { latencyQuantile, modelKey, readServerLatencies } from './server-latencies.ts';

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
    const { histograms, summaries } = readServerLatencies(page);
    expect(summaries.size).toBe(0);
    expect([...histograms.keys()]).toEqual([modelKey('a', '1'), modelKey('b"\\c', '1')]);
    expect([...(histograms.get(modelKey('a', '1')) ?? [])]).toEqual([
      [0.001, 3],
      [Number.POSITIVE_INFINITY, 4],
    ]);
  });

  it("are read from Triton's summaries, where nothing is said of models without requests", () => {
    const summary = (model: string, quantile: string, value: string): string =>
      `nv_inference_request_summary_us{model="${model}",version="1",quantile="${quantile}"} ${value}`;
    const page = [
      summary('a', '0.5', '1500'),
      summary('a', '0.99', '2500.5'),
      summary('b', '0.5', 'Nan'),
      'nv_inference_request_summary_us_count{model="a",version="1"} 4',
    ].join('\n');
    const { histograms, summaries } = readServerLatencies(page);
    expect(histograms.size).toBe(0);
    expect([...(summaries.get(modelKey('a', '1')) ?? [])]).toEqual([
      [0.5, 1500],
      [0.99, 2500.5],
    ]);
    expect(summaries.get(modelKey('b', '1'))?.size).toBe(0);
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
