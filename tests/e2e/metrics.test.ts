import { spawnSync } from 'node:child_process';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricFamilies } from '../../packages/server/src/observability/metric-families.ts';
import { ensurePromtool } from '../../tools/promtool.mjs';
import { expectedLints } from './metric-lints.ts';
import { readMetrics, sampleValue } from './metrics-page.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const promtool = ensurePromtool();
const promtoolReason = promtool.available ? '' : ` (skipped: ${promtool.reason})`;
const bounds = `model_metrics { metric_control: [ {
  metric_identifier { family: "nv_inference_first_response_histogram_ms" }
  histogram_options { buckets: [ 1.5, 20 ] }
} ] }`;

let repository: TemporaryRepository;
let server: ServerProcess;

beforeAll(async () => {
  repository = temporaryRepository({
    'same/config.pbtxt': identityConfig('INT32', 'metric_tags { key: "team" value: "a\\"b" }'),
    'same/1/': '',
    'bounded/config.pbtxt': identityConfig('INT32', bounds),
    'bounded/1/': '',
    'cached/config.pbtxt': identityConfig('INT32', 'response_cache { enable: true }'),
    'cached/1/': '',
  });
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--load-model=*',
      '--metrics-config=histogram_latencies=true',
      '--metrics-config=summary_latencies=true',
      '--metrics-config=summary_quantiles=0.25:0.1,0.75:0.01',
      '--cache-config=local,size=1048576',
    ],
  });
});

afterAll(async () => {
  await server?.stop();
  repository?.remove();
});

async function infer(model: string, value: number): Promise<number> {
  const inputs = [{ name: 'INPUT0', datatype: 'INT32', shape: [1], data: [value] }];
  const answer = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

const metricsUrl = (): string => server.metricsUrl as string;

describe('the metrics page', () => {
  it('is read by the parsers of Prometheus in both formats, and says the same', async () => {
    for (const value of [1, 2, 3]) expect(await infer('same', value)).toBe(200);
    const { text, openmetrics } = await readMetrics(metricsUrl());
    expect(text.contentType).toBe('text/plain; charset=utf-8');
    expect(openmetrics.contentType).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
    const stable = ({ name, labels }: { name: string; labels: object }): string =>
      `${name} ${JSON.stringify({ ...labels, ...('le' in labels ? { le: Number(labels.le) } : {}) })}`;
    expect(openmetrics.samples.map(stable).sort()).toEqual(text.samples.map(stable).sort());
    expect(text.types['nv_inference_request_success']).toBe('counter');
    expect(openmetrics.types['nv_inference_request_success']).toBe('unknown');
    expect(openmetrics.types['nereid_http_responses']).toBe('counter');
    for (const page of [text, openmetrics]) {
      expect(
        sampleValue(page, 'nv_inference_request_success', { model: 'same', _team: 'a"b' }),
      ).toBe(3);
    }
  });

  it('has Triton’s summaries with the quantiles that were asked for', async () => {
    const { text } = await readMetrics(metricsUrl());
    const quantiles = (name: string, model: string): string[] =>
      text.samples
        .filter((sample) => sample.name === name && sample.labels['model'] === model)
        .map((sample) => sample.labels['quantile'] as string);
    expect(quantiles('nv_inference_request_summary_us', 'same')).toEqual(['0.25', '0.75']);
    expect(quantiles('nv_inference_request_summary_us', 'cached')).toEqual([]);
    expect(quantiles('nv_cache_hit_summary_per_model', 'cached')).toEqual(['0.25', '0.75']);
    expect(quantiles('nv_cache_hit_summary_per_model', 'same')).toEqual([]);
  });

  it('counts first responses in the buckets of the configuration', async () => {
    expect(await infer('bounded', 1)).toBe(200);
    const { text } = await readMetrics(metricsUrl());
    const name = 'nv_inference_first_response_histogram_ms';
    const buckets = (model: string): string[] =>
      text.samples
        .filter((sample) => sample.name === `${name}_bucket` && sample.labels['model'] === model)
        .map((sample) => sample.labels['le'] as string);
    expect(buckets('same')).toEqual(['100', '500', '2000', '5000', '+Inf']);
    expect(buckets('bounded')).toEqual(['1.5', '20', '+Inf']);
    expect(sampleValue(text, `${name}_count`, { model: 'bounded' })).toBe(1);
  });

  it('tells cache hits and misses', async () => {
    for (const value of [7, 7, 8, 7]) expect(await infer('cached', value)).toBe(200);
    const { text } = await readMetrics(metricsUrl());
    const of = (name: string): number | null => sampleValue(text, name, { model: 'cached' });
    expect([of('nv_cache_num_hits_per_model'), of('nv_cache_num_misses_per_model')]).toEqual([
      2, 2,
    ]);
    expect([of('nv_inference_request_success'), of('nv_inference_count')]).toEqual([4, 2]);
    expect(of('nereid_inference_request_duration_seconds_count')).toBe(4);
    expect(of('nv_cache_miss_summary_per_model_count')).toBe(2);
  });

  it('loses the series of a model that is unloaded, and starts them at 0 with the next', async () => {
    const control = async (action: string): Promise<number> =>
      (await fetch(`${server.url}/v2/repository/models/bounded/${action}`, { method: 'POST' }))
        .status;
    expect(await control('unload')).toBe(200);
    const gone = (await readMetrics(metricsUrl())).text;
    expect(gone.samples.filter(({ labels }) => labels['model'] === 'bounded')).toEqual([]);
    expect(await control('load')).toBe(200);
    const back = (await readMetrics(metricsUrl())).text;
    expect(sampleValue(back, 'nv_inference_request_success', { model: 'bounded' })).toBe(0);
  });

  it('is the same on the HTTP port', async () => {
    const page = await fetch(`${server.url}/v2/metrics`, {
      headers: { accept: 'application/openmetrics-text' },
    });
    expect(page.headers.get('content-type')).toContain('openmetrics');
    expect(await page.text()).toMatch(/# EOF\n$/);
  });

  it.skipIf(!promtool.available)(
    `is what promtool wants, apart from names that are Triton’s${promtoolReason}`,
    async () => {
      if (!promtool.available) return;
      const page = await (await fetch(metricsUrl())).text();
      const check = (text: string): { status: number | null; lines: string[] } => {
        const { status, stdout, stderr } = spawnSync(promtool.path, ['check', 'metrics'], {
          input: text,
          encoding: 'utf8',
        });
        return { status, lines: `${stdout}${stderr}`.split('\n').filter((line) => line !== '') };
      };
      // 3: it can be read, and has names that it would have otherwise. Dashboards look for those.
      const whole = check(page);
      expect(whole.status).toBe(3);
      const expected = Object.entries(expectedLints).flatMap(([lint, names]) =>
        names.map((name) => `${name} ${lint}`),
      );
      expect(whole.lines.sort()).toEqual(expected.sort());
      const ours = page.split('\n').filter((line) => !/^(# (HELP|TYPE) )?nv_/.test(line));
      expect(check(ours.join('\n'))).toEqual({ status: 0, lines: [] });
    },
  );

  it('shows nothing that the reference does not have', async () => {
    const page = await (await fetch(metricsUrl())).text();
    const written = [...page.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] as string);
    const documented = new Set(metricFamilies.map(({ name }) => name));
    expect(written.filter((name) => !documented.has(name))).toEqual([]);
    expect(written.length).toBeGreaterThan(30);
  });
});

it('names the trace of a request in the bucket that it fell into', async () => {
  const traced = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--metrics-config=histogram_latencies=true',
      '--trace-config=level=TIMESTAMPS',
      '--trace-config=rate=1',
      '--trace-config=mode=opentelemetry',
      '--trace-config=opentelemetry,url=http://127.0.0.1:9/v1/traces',
    ],
  });
  try {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const inputs = [{ name: 'INPUT0', datatype: 'INT32', shape: [1], data: [1] }];
    const answer = await fetch(`${traced.url}/v2/models/same/infer`, {
      method: 'POST',
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
      body: JSON.stringify({ inputs }),
    });
    expect(answer.status).toBe(200);
    const { openmetrics, text } = await readMetrics(traced.metricsUrl as string);
    const exemplars = openmetrics.samples.flatMap(({ name, exemplar }) =>
      exemplar === null ? [] : [[name, exemplar]],
    );
    expect(exemplars).toHaveLength(3);
    expect(exemplars).toContainEqual([
      'nereid_inference_request_duration_seconds_bucket',
      { trace_id: traceId },
    ]);
    expect(text.samples.some(({ exemplar }) => exemplar !== null)).toBe(false);
  } finally {
    await traced.stop();
  }
});
