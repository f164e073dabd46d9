import type { ModelMetrics } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, test } from 'vitest';
import { type Logger, silentLogger } from '../core/logger.ts';
import { ModelLatencies } from './model-latencies.ts';
import { ModelStatistics } from './model-statistics.ts';

const clock = new ManualClock();
const all = { histograms: true, summaries: true, quantiles: [0.5] };

function latencies(
  options: {
    settings?: typeof all;
    metrics?: ModelMetrics | null;
    cached?: boolean;
    logger?: Logger;
  } = {},
): ModelLatencies {
  const config = { name: 'm', model_metrics: options.metrics ?? null };
  const { settings = all, cached = false, logger = silentLogger } = options;
  return new ModelLatencies(settings, config, cached, clock, logger);
}

function metrics(family: string, buckets: readonly number[]): ModelMetrics {
  return {
    metric_control: [{ metric_identifier: { family }, histogram_options: { buckets } }],
  };
}

function counted(kept: ModelLatencies): Record<string, number> {
  return Object.fromEntries(
    kept
      .series()
      .map(({ family, value }) => [
        family.name,
        value.kind === 'summary'
          ? value.count
          : Array.from(value.counts).reduce((sum, count) => sum + count, 0),
      ]),
  );
}

describe('ModelLatencies', () => {
  test('tells where the time of a request went', () => {
    const kept = latencies();
    new ModelStatistics(clock, kept).recordSuccess(1, 9_000_000, 2_000_000, 1000, 3_000_000, 500);
    kept.recordFirstResponse(9_999_999);
    const sums = Object.fromEntries(
      kept.series().map(({ family, value }) => [family.name, value.sum]),
    );
    expect(sums).toEqual({
      nv_inference_first_response_histogram_ms: 9,
      nereid_inference_request_duration_seconds: 0.009,
      nereid_inference_queue_duration_seconds: 0.002,
      nereid_inference_compute_duration_seconds: 0.0030015,
      nv_inference_request_summary_us: 9000,
      nv_inference_queue_summary_us: 2000,
      nv_inference_compute_input_summary_us: 1,
      nv_inference_compute_infer_summary_us: 3000,
      nv_inference_compute_output_summary_us: 0,
    });
  });

  test('with a cache has summaries of it, and none of requests, as Triton', () => {
    const kept = latencies({ cached: true });
    const statistics = new ModelStatistics(clock, kept);
    statistics.recordSuccess(1, 9_000_000, 2_000_000, 1000, 3_000_000, 500);
    statistics.recordCacheMiss(4000);
    statistics.recordCacheHit(5000, 1000, 2000);
    expect(counted(kept)).toMatchObject({
      nv_inference_queue_summary_us: 2,
      nv_inference_compute_infer_summary_us: 1,
      nv_cache_hit_summary_per_model: 1,
      nv_cache_miss_summary_per_model: 1,
      nereid_inference_request_duration_seconds: 2,
      nereid_inference_compute_duration_seconds: 1,
    });
    expect(counted(kept)).not.toHaveProperty('nv_inference_request_summary_us');
  });

  test('keeps only what is asked for', () => {
    const kept = latencies({ settings: { ...all, histograms: false } });
    expect(Object.keys(counted(kept)).filter((name) => !name.includes('summary'))).toEqual([]);
    expect(kept.wantsFirstResponse).toBe(false);
    const other = latencies({ settings: { ...all, summaries: false } });
    expect(Object.keys(counted(other)).filter((name) => name.includes('summary'))).toEqual([]);
    expect(other.wantsFirstResponse).toBe(true);
  });

  test.each([
    ['nv_inference_first_response_histogram_ms', [10, 20]],
    ['nereid_inference_queue_duration_seconds', [0.25, 1]],
  ])('takes the buckets of %s from model_metrics', (family, buckets) => {
    const found = latencies({ metrics: metrics(family, buckets) })
      .series()
      .find((series) => series.family.name === family);
    expect(found?.value).toMatchObject({ bounds: buckets });
  });

  test('warns of a family that has no buckets to choose', () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warning: (text: string) => warnings.push(text) };
    latencies({ metrics: metrics('nv_inference_count', [1]), logger });
    expect(warnings).toEqual([
      "Metric family 'nv_inference_count' in 'metric_identifier' is not a customizable metric in Triton core.",
    ]);
  });

  test('refuses buckets that do not ascend', () => {
    expect(() =>
      latencies({ metrics: metrics('nv_inference_first_response_histogram_ms', [5, 5]) }),
    ).toThrow('Bucket Boundaries must be strictly sorted');
  });

  test('keeps the trace of the last request in each bucket', () => {
    const kept = latencies();
    const statistics = new ModelStatistics(clock, kept);
    statistics.recordSuccess(1, 1000, 0, 0, 1000, 0, 'first');
    statistics.recordSuccess(1, 2000, 0, 0, 1000, 0, 'second');
    statistics.recordSuccess(1, 3000, 0, 0, 1000, 0);
    const [request] = kept
      .series()
      .filter(({ family }) => family.name.includes('request_duration'));
    expect(request?.value).toMatchObject({
      exemplars: expect.arrayContaining([expect.objectContaining({ traceId: 'second' })]),
    });
  });
});
