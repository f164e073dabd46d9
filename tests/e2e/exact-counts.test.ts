import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heldModel } from './javascript-models.ts';
import { type ReadPage, readMetrics, sampleValue } from './metrics-page.ts';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import { runPython } from './run-python.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const requestCount = 10_000;

const batchConfig = `backend: "identity"
max_batch_size: 16
input [ { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] } ]
dynamic_batching { max_queue_delay_microseconds: 500 }`;

interface ModelStats {
  readonly name: string;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Record<string, { readonly count: number; readonly ns: number }>;
  readonly batch_stats: readonly {
    readonly batch_size: number;
    readonly compute_infer: { readonly count: number };
  }[];
}

/** What a trace file has of one request. */
interface TracedRequest {
  readonly model: string;
  readonly times: ReadonlySet<string>;
}

let folder: string;
let traces: readonly TracedRequest[];
let repository: TemporaryRepository;
let server: ServerProcess;
let counts: Readonly<Record<string, number>>;
let page: ReadPage;
let stats: ReadonlyMap<string, ModelStats>;

beforeAll(async () => {
  repository = temporaryRepository({
    'batch/config.pbtxt': batchConfig,
    'batch/1/': '',
    'plain/config.pbtxt': identityConfig('INT32'),
    'plain/1/': '',
    'cached/config.pbtxt': identityConfig('INT32', 'response_cache { enable: true }'),
    'cached/1/': '',
    'held/config.pbtxt': identityConfig('INT32').replace('identity', 'javascript'),
    'held/1/model.js': heldModel('INPUT0', 'OUTPUT0'),
    'held/1/hold': '',
    'failing/config.pbtxt': pythonConfig(),
    'failing/1/model.py': pythonModel('raise ValueError("always")'),
  });
  folder = mkdtempSync(join(tmpdir(), 'nereid-traces-'));
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--cache-config=local,size=1048576',
      `--trace-config=triton,file=${join(folder, 'trace.json')}`,
      '--trace-config=level=TIMESTAMPS',
      '--trace-config=rate=1',
      '--metrics-config=histogram_latencies=true',
      '--metrics-config=summary_latencies=true',
      pythonRuntimeFlag(),
    ],
  });
  const load = await runPython('count_load.py', [
    `127.0.0.1:${server.port}`,
    `127.0.0.1:${server.grpcPort}`,
    String(requestCount),
    '1',
    join(repository.path, 'held', '1', 'hold'),
  ]);
  if (load.status !== 0) throw new Error(load.output);
  counts = JSON.parse(load.output.trim().split('\n').at(-1) as string);
  page = (await readMetrics(server.metricsUrl as string)).text;
  const answer = await fetch(`${server.url}/v2/models/stats`);
  const { model_stats } = (await answer.json()) as { model_stats: ModelStats[] };
  stats = new Map(model_stats.map((entry) => [entry.name, entry]));
  // The file is whole when the server has ended.
  await server.stop();
  traces = readTraces(join(folder, 'trace.json'));
}, 240_000);

afterAll(async () => {
  await server?.stop();
  repository?.remove();
  rmSync(folder, { recursive: true, force: true });
});

function readTraces(file: string): readonly TracedRequest[] {
  const items = JSON.parse(readFileSync(file, 'utf8')) as readonly {
    readonly id: number;
    readonly model_name?: string;
    readonly timestamps?: readonly { readonly name: string }[];
  }[];
  const byId = new Map<number, { model: string; times: Set<string> }>();
  for (const { id, model_name, timestamps = [] } of items) {
    const trace = byId.get(id) ?? { model: '', times: new Set<string>() };
    byId.set(id, trace);
    trace.model = model_name ?? trace.model;
    for (const { name } of timestamps) trace.times.add(name);
  }
  return [...byId.values()];
}

const counted = (what: string): number => counts[what] ?? 0;
const metric = (name: string, labels: Record<string, string>): number =>
  sampleValue(page, name, labels) ?? Number.NaN;
const statistics = (model: string): ModelStats => stats.get(model) as ModelStats;

describe(`after ${requestCount} requests, the server has counted what the load generator counted`, () => {
  it('of every request', () => {
    const ends = Object.entries(counts).filter(([what]) =>
      /^(batch|plain|cached|failing|refused) (ok|failed)$/.test(what),
    );
    expect(ends.reduce((sum, [, count]) => sum + count, 0)).toBe(requestCount);
    expect([counted('refused ok'), counted('failing ok')]).toEqual([0, 0]);
    expect(counted('refused failed')).toBeGreaterThan(100);
  });

  it.each(['batch', 'plain', 'cached', 'held'])('of successes of %s', (model) => {
    const ok = counted(`${model} ok`);
    expect(ok).toBeGreaterThan(0);
    expect(metric('nv_inference_request_success', { model })).toBe(ok);
    expect(statistics(model).inference_stats['success']?.count).toBe(ok);
    expect(statistics(model).inference_stats['queue']?.count).toBe(ok);
    expect(metric('nereid_inference_request_duration_seconds_count', { model })).toBe(ok);
    expect(metric('nv_inference_queue_summary_us_count', { model })).toBe(ok);
  });

  it('of failures, and nothing of what was refused', () => {
    const failed = counted('failing failed');
    expect(failed).toBeGreaterThan(500);
    expect(metric('nv_inference_request_failure', { model: 'failing', reason: 'BACKEND' })).toBe(
      failed,
    );
    expect(statistics('failing').inference_stats['fail']?.count).toBe(failed);
    expect(metric('nv_inference_request_success', { model: 'failing' })).toBe(0);
    expect(statistics('plain').inference_stats['fail']?.count).toBe(0);
  });

  it('of cancellations', () => {
    expect([counted('held ok'), counted('held cancelled')]).toEqual([1, 20]);
    expect(metric('nv_inference_request_failure', { model: 'held', reason: 'CANCELED' })).toBe(20);
    expect(statistics('held').inference_stats['fail']?.count).toBe(20);
  });

  it('of rows in batches', () => {
    const rows = counted('batch rows');
    const { inference_count, execution_count, batch_stats } = statistics('batch');
    const inBatches = batch_stats.reduce(
      (sum, { batch_size, compute_infer }) => sum + batch_size * compute_infer.count,
      0,
    );
    const batches = batch_stats.reduce((sum, { compute_infer }) => sum + compute_infer.count, 0);
    expect([inference_count, inBatches, batches]).toEqual([rows, rows, execution_count]);
    expect(execution_count).toBeLessThan(counted('batch ok'));
    expect(metric('nv_inference_count', { model: 'batch' })).toBe(rows);
    expect(metric('nv_inference_exec_count', { model: 'batch' })).toBe(execution_count);
    expect(metric('nereid_inference_batch_size_sum', { model: 'batch' })).toBe(rows);
    expect(metric('nereid_inference_batch_size_count', { model: 'batch' })).toBe(execution_count);
  });

  it('of answers from the cache', () => {
    const hits = metric('nv_cache_num_hits_per_model', { model: 'cached' });
    const misses = metric('nv_cache_num_misses_per_model', { model: 'cached' });
    expect(hits + misses).toBe(counted('cached ok'));
    // Twenty values; each may be asked for by several clients before its first answer is in.
    expect(misses).toBeGreaterThanOrEqual(20);
    expect(hits).toBeGreaterThan(misses);
    const { inference_stats, inference_count } = statistics('cached');
    expect([inference_stats['cache_hit']?.count, inference_stats['cache_miss']?.count]).toEqual([
      hits,
      misses,
    ]);
    expect([inference_count, inference_stats['compute_infer']?.count]).toEqual([misses, misses]);
  });

  it('of traces, and what became of each request in them', () => {
    const of = (model: string, time = 'REQUEST_END'): number =>
      traces.filter((trace) => trace.model === model && trace.times.has(time)).length;
    for (const model of ['batch', 'plain', 'cached'])
      expect(of(model)).toBe(counted(`${model} ok`));
    expect(of('failing')).toBe(counted('failing failed'));
    expect(of('held')).toBe(counted('held ok') + counted('held cancelled'));
    // Those that were executed: not what was cancelled before, nor what the cache knew.
    expect(of('held', 'COMPUTE_END')).toBe(counted('held ok'));
    expect(of('cached', 'COMPUTE_END')).toBe(statistics('cached').inference_count);
    expect(of('batch', 'COMPUTE_END')).toBe(counted('batch ok'));
    expect(of('failing', 'COMPUTE_START')).toBe(counted('failing failed'));
    const executed = traces.filter(({ model }) => model !== '' && model !== 'held');
    const over = (time: string): number => executed.filter(({ times }) => times.has(time)).length;
    expect(over('HTTP_RECV_END')).toBe(counted('http ok') + counted('http failing failed'));
    expect(over('GRPC_WAITREAD_END')).toBe(counted('grpc ok') + counted('grpc failing failed'));
  });

  it('of answers by status', () => {
    const grpcOk = counted('grpc ok') + counted('held ok');
    expect(metric('nereid_grpc_responses_total', { code: 'OK' })).toBe(grpcOk);
    expect(metric('nereid_grpc_responses_total', { code: 'INVALID_ARGUMENT' })).toBe(
      counted('grpc refused failed'),
    );
    expect(metric('nereid_grpc_responses_total', { code: 'INTERNAL' })).toBe(
      counted('grpc failing failed'),
    );
    expect(metric('nereid_http_responses_total', { code: '400' })).toBe(
      counted('http refused failed'),
    );
    expect(metric('nereid_http_responses_total', { code: '500' })).toBe(
      counted('http failing failed'),
    );
  });
});
