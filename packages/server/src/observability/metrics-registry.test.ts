import { ManualClock } from '@nereid/test-kit';
import { describe, expect, test } from 'vitest';
import { localCacheMetrics } from '../cache/local-cache-metrics.ts';
import { LocalResponseCache } from '../cache/local-response-cache.ts';
import { silentLogger } from '../core/logger.ts';
import { gpuFamilies } from './gpu-families.ts';
import { metricFamilies } from './metric-families.ts';
import { MetricsRegistry } from './metrics-registry.ts';
import { ModelLatencies } from './model-latencies.ts';
import type { MetricModel } from './model-metrics.ts';
import { ModelStatistics } from './model-statistics.ts';
import { ProcessMetrics } from './process-metrics.ts';
import { ResponseCounters } from './response-counters.ts';

const clock = new ManualClock();
const settings = { cpu: false, intervalMs: 2000, counterLatencies: true };

function model(extras: Partial<MetricModel> = {}): MetricModel {
  const statistics = new ModelStatistics(clock);
  statistics.recordBatch(3, 1000, 2000, 3000);
  statistics.recordSuccess(3, 9999, 1500, 1000, 2000, 3000);
  statistics.recordFailure('CANCELED', 10);
  return {
    name: 'simple',
    version: 1,
    namespace: '',
    tags: new Map(),
    statistics,
    gpus: new Map(),
    pendingCount: 4,
    loadDurationSecs: 0.25,
    cached: false,
    report: null,
    ...extras,
  };
}

function page(models: readonly MetricModel[], extras: Partial<typeof settings> = {}): string {
  return new MetricsRegistry({ ...settings, ...extras }, { models: () => models }, clock).text();
}

function samples(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** Of Triton's families. */
function tritonSamples(text: string): string[] {
  return samples(text).filter((line) => line.startsWith('nv_'));
}

describe('the metrics page', () => {
  test('counts what GPUs execute by their names, and only the rest without', () => {
    const statistics = new ModelStatistics(clock);
    const onGpu = new ModelStatistics(clock);
    for (const counter of [statistics, onGpu]) {
      counter.recordBatch(2, 1000, 2000, 3000);
      counter.recordSuccess(2, 8000, 1000, 1000, 2000, 3000);
      counter.recordFailure('BACKEND', 10);
    }
    statistics.recordFailure('REJECTED', 10);
    statistics.recordBatch(1, 1000, 1000, 1000);
    statistics.recordSuccess(1, 5000, 2000, 1000, 1000, 1000);
    const gpus = new Map([['GPU-a', onGpu]]);
    const series = (labels: string): (string | undefined)[] =>
      tritonSamples(page([model({ statistics, gpus })]))
        .filter((line) => line.includes(`{${labels}`))
        .map((line) => /(?:reason="(\w+)".*)? (\S+)$/.exec(line)?.slice(1).join(' ').trim());
    expect(series('gpu_uuid="GPU-a",model="simple"')).toEqual([
      ...['1', '2', '1', 'REJECTED 0', 'CANCELED 0', 'BACKEND 1', 'OTHER 0'],
      ...['8', '1', '1', '2', '3'],
    ]);
    expect(series('model="simple"')).toEqual([
      ...['1', '1', '1', 'REJECTED 1', 'CANCELED 0', 'BACKEND 0', 'OTHER 0'],
      ...['5', '2', '1', '1', '1', '4', '0.25'],
    ]);
  });

  test('writes every series of a model, counters before gauges', () => {
    expect(tritonSamples(page([model()]))).toEqual([
      'nv_inference_request_success{model="simple",version="1"} 1',
      'nv_inference_count{model="simple",version="1"} 3',
      'nv_inference_exec_count{model="simple",version="1"} 1',
      'nv_inference_request_failure{model="simple",reason="REJECTED",version="1"} 0',
      'nv_inference_request_failure{model="simple",reason="CANCELED",version="1"} 1',
      'nv_inference_request_failure{model="simple",reason="BACKEND",version="1"} 0',
      'nv_inference_request_failure{model="simple",reason="OTHER",version="1"} 0',
      'nv_inference_request_duration_us{model="simple",version="1"} 9',
      'nv_inference_queue_duration_us{model="simple",version="1"} 1',
      'nv_inference_compute_input_duration_us{model="simple",version="1"} 1',
      'nv_inference_compute_infer_duration_us{model="simple",version="1"} 2',
      'nv_inference_compute_output_duration_us{model="simple",version="1"} 3',
      'nv_inference_pending_request_count{model="simple",version="1"} 4',
      'nv_model_load_duration_secs{model="simple",version="1"} 0.25',
      'nv_pinned_memory_pool_total_bytes 0',
      'nv_pinned_memory_pool_used_bytes 0',
    ]);
  });

  test('heads each family with its help and type, once', () => {
    const text = page([model(), model({ version: 2 })]);
    expect(text.startsWith('# HELP nv_inference_request_success Number of successful')).toBe(true);
    expect(text.match(/^# TYPE nv_inference_count counter$/gm)).toHaveLength(1);
    expect(text.match(/^nv_inference_count\{/gm)).toHaveLength(2);
    expect(text.endsWith('\n')).toBe(true);
  });

  test('has cache series only for models that use the cache', () => {
    const text = page([model({ name: 'a', cached: true }), model({ name: 'b' })]);
    expect(samples(text).filter((line) => line.startsWith('nv_cache'))).toEqual([
      'nv_cache_num_hits_per_model{model="a",version="1"} 0',
      'nv_cache_hit_duration_per_model{model="a",version="1"} 0',
      'nv_cache_num_misses_per_model{model="a",version="1"} 0',
      'nv_cache_miss_duration_per_model{model="a",version="1"} 0',
    ]);
  });

  test('leaves families without series out', () => {
    expect(page([])).not.toContain('nv_inference');
  });

  test('sorts labels by name: tags before the model, the namespace between', () => {
    const tags = new Map([
      ['team', 'blue'],
      ['Zone', 'x'],
    ]);
    expect(page([model({ namespace: '/models/a', tags })])).toContain(
      'nv_inference_count{_Zone="x",_team="blue",model="simple",namespace="/models/a",version="1"} 3',
    );
  });

  test('with counter_latencies=false keeps counts at 0 and has no durations', () => {
    const text = page([model({ cached: true })], { counterLatencies: false });
    expect(text).toContain('nv_inference_request_success{model="simple",version="1"} 0');
    expect(text).toContain('reason="CANCELED",version="1"} 0');
    expect(text).toContain('nv_inference_pending_request_count{model="simple",version="1"} 4');
    expect(text).not.toContain('_duration_us');
    expect(text).not.toContain('nv_cache');
  });

  test('lets no hostile name break a line or the page', () => {
    const tags = new Map([['a-b{', '"\\\n']]);
    const text = page([model({ name: 'x\r\n\u001b[31m', tags })]);
    expect(text).toContain(
      'nv_inference_count{_a_b_="\\"\\\\\\n",model="x\\\\u000d\\n\\\\u001b[31m",version="1"} 3',
    );
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  test('writes a model version that is reported twice once', () => {
    expect(page([model(), model()]).match(/^nv_inference_count\{/gm)).toHaveLength(1);
  });

  test('shows what another part registers', () => {
    const registry = new MetricsRegistry(settings, { models: () => [] }, clock);
    const family = { name: 'own_total', type: 'counter', help: 'Two\nlines \\' } as const;
    registry.register({ collect: () => [{ family, labels: '', value: 2 }] });
    expect(registry.text()).toContain(
      '# HELP own_total Two\\nlines \\\\\n# TYPE own_total counter\nown_total 2\n',
    );
  });

  test('writes the histogram of batch sizes from the statistics', () => {
    const statistics = new ModelStatistics(clock);
    for (const size of [1, 1, 3, 16, 17, 5000]) statistics.recordBatch(size, 1, 1, 1);
    const text = page([model({ statistics })]);
    const of = (le: string): string | undefined =>
      new RegExp(
        `^nereid_inference_batch_size_bucket\\{.*le="${le.replace('+', '\\+')}"\\} (.*)$`,
        'm',
      ).exec(text)?.[1];
    expect(['1', '2', '4', '16', '32', '1024', '+Inf'].map(of)).toEqual([
      '2',
      '2',
      '3',
      '4',
      '5',
      '5',
      '6',
    ]);
    expect(text).toContain('nereid_inference_batch_size_count{model="simple",version="1"} 6\n');
    expect(text).toContain('nereid_inference_batch_size_sum{model="simple",version="1"} 5038\n');
  });

  test('writes what a backend tells of itself', () => {
    const memoryBytes = new Map([['worker_resident', 4096]] as const);
    const text = page([model({ report: { memoryBytes, workerRestarts: 2 } })]);
    expect(samples(text)).toEqual(
      expect.arrayContaining([
        'nereid_python_worker_restarts_total{model="simple",version="1"} 2',
        'nereid_model_memory_bytes{model="simple",version="1",kind="worker_resident"} 4096',
      ]),
    );
  });

  test('documents every family that it writes', () => {
    const statistics = new ModelStatistics(clock, latencies(true));
    const report = { memoryBytes: new Map([['model_files', 1]] as const), workerRestarts: 0 };
    const registry = new MetricsRegistry(
      { ...settings, cpu: true },
      {
        models: () => [
          model({ cached: true, statistics, report }),
          model({ name: 'b', statistics: new ModelStatistics(clock, latencies(false)) }),
        ],
      },
      clock,
      () => null,
    );
    const cache = new LocalResponseCache({ sizeBytes: 1000, clock, logger: silentLogger });
    registry.register(localCacheMetrics(cache));
    registry.registerSampled(new ProcessMetrics(clock, 2000));
    const responses = new ResponseCounters();
    responses.http(200);
    responses.grpc(0);
    registry.register(responses);
    const written = [...registry.text().matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
    const documented = metricFamilies.map(({ name }) => name).filter((name) => !ofGpus.has(name));
    expect(written.sort()).toEqual(documented.sort());
  });
});

/** They need a source; `gpu-metrics.test.ts` has one. */
const ofGpus = new Set(gpuFamilies.map(({ name }) => name));

function latencies(cached: boolean): ModelLatencies {
  const all = { histograms: true, summaries: true, quantiles: [0.5] };
  return new ModelLatencies(all, { name: 'm', model_metrics: null }, cached, clock, silentLogger);
}
