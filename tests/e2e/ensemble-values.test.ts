import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readMetrics, sampleValue } from './metrics-page.ts';
import { runPytest } from './run-python.ts';
import {
  identityConfig,
  modelFiles,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const tensor = (name: string, type: string): string =>
  `{ name: "${name}" data_type: TYPE_${type} dims: [ -1 ] }`;
const step = (model: string, from: string, to: string, input = 'INPUT0', output = 'OUTPUT0') =>
  `step { model_name: "${model}" model_version: -1
    input_map { key: "${input}" value: "${from}" } output_map { key: "${output}" value: "${to}" } }`;
const ensemble = (type: string, steps: readonly string[], extra = ''): string =>
  `platform: "ensemble" input [ ${tensor('IN', type)} ] output [ ${tensor('OUT', type)} ]
  ensemble_scheduling { ${steps.join(' ')} } ${extra}`;
const pair = (model: string): string[] => [step(model, 'IN', 'mid'), step(model, 'mid', 'OUT')];

const square = `backend: "square"
input [ { name: "IN" data_type: TYPE_INT32 dims: [ 1 ] } ]
output [ { name: "OUT" data_type: TYPE_INT32 dims: [ 1 ] } ]
model_transaction_policy { decoupled: true }`;

const models: Readonly<Record<string, string>> = {
  texts: identityConfig('STRING'),
  numbers: identityConfig('INT32'),
  scores: identityConfig('FP32').replace(
    /output .*/u,
    'output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1 ] label_filename: "labels.txt" } ]',
  ),
  square,
  text_pair: ensemble('STRING', pair('texts')),
  number_pair: ensemble('INT32', pair('numbers')),
  score_pair: ensemble('FP32', pair('scores')),
  kept_pair: ensemble('INT32', pair('numbers'), 'response_cache { enable: true }'),
  many: ensemble('INT32', [
    step('square', 'IN', 'one', 'IN', 'OUT'),
    step('numbers', 'one', 'OUT'),
  ]),
};

let folder: string;
let repository: TemporaryRepository;
let server: ServerProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-traces-'));
  repository = temporaryRepository({
    ...modelFiles(models, (config) => ({ 'config.pbtxt': config, '1/': '' })),
    'scores/labels.txt': 'cat\ndog\ncow\n',
  });
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--allow-client-shm=true',
      '--cache-config=local,size=1048576',
      '--metrics-config=histogram_latencies=true',
      `--trace-config=triton,file=${join(folder, 'trace.json')}`,
    ],
  });
});

afterAll(async () => {
  await server?.stop();
  repository?.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function post(path: string, body: object): Promise<unknown> {
  const answer = await fetch(`${server.url}/v2/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
  return answer.json();
}

const numbers = (values: readonly number[]): object => ({
  inputs: [{ name: 'IN', datatype: 'INT32', shape: [values.length], data: values }],
});

it('take texts, classes, and tensors in shared memory, as their clients give and want them', async () => {
  const summary = await runPytest('test_ensemble_values.py', {
    NEREID_URL: `127.0.0.1:${server.port}`,
    NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
  });
  expect(summary).toMatch(/^\d+ passed/u);
});

it('are answered from the cache, without their steps', async () => {
  for (const value of [5, 5, 6, 5]) {
    const answer = await post('models/kept_pair/infer', numbers([value]));
    expect(answer).toMatchObject({ outputs: [{ name: 'OUT', data: [value] }] });
  }
  const { text } = await readMetrics(server.metricsUrl as string);
  const of = (name: string): number | null => sampleValue(text, name, { model: 'kept_pair' });
  expect([of('nv_cache_num_hits_per_model'), of('nv_cache_num_misses_per_model')]).toEqual([2, 2]);
  expect([of('nv_inference_request_success'), of('nv_inference_exec_count')]).toEqual([4, 2]);
});

it('count the first answer of a decoupled request, and no later one', async () => {
  const name = 'nv_inference_first_response_histogram_ms_count';
  const count = async (model: string): Promise<number | null> =>
    sampleValue((await readMetrics(server.metricsUrl as string)).text, name, { model });
  const before = await count('many');
  const answer = await fetch(`${server.url}/v2/models/many/generate_stream`, {
    method: 'POST',
    body: JSON.stringify({ IN: 3 }),
  });
  expect((await answer.text()).match(/"OUT":3/gu)).toHaveLength(3);
  expect([await count('many'), await count('square')]).toEqual([(before ?? 0) + 1, 1]);
});

it('leave traces of their steps below their own', async () => {
  await post('models/number_pair/trace/setting', { trace_level: ['TIMESTAMPS'], trace_rate: '1' });
  await post('models/number_pair/infer', { id: 'whole', ...numbers([1]) });
  await post('models/number_pair/trace/setting', { trace_level: ['OFF'] });
  expect((await server.stop()).status).toBe(0);
  const items = JSON.parse(readFileSync(join(folder, 'trace.json'), 'utf8')) as {
    readonly id: number;
    readonly model_name?: string;
    readonly timestamps?: readonly { readonly name: string }[];
  }[];
  const [whole, first, second] = items.filter(({ model_name }) => model_name !== undefined);
  const id = whole?.id as number;
  expect([whole, first, second]).toEqual([
    { id, model_name: 'number_pair', model_version: 1, request_id: 'whole' },
    { id: id + 1, model_name: 'numbers', model_version: 1, request_id: 'whole', parent_id: id },
    { id: id + 2, model_name: 'numbers', model_version: 1, request_id: 'whole', parent_id: id },
  ]);
  const times = (trace: number): string[] =>
    items
      .filter((item) => item.id === trace)
      .flatMap(({ timestamps = [] }) => timestamps.map(({ name }) => name));
  const executed = ['COMPUTE_START', 'COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START', 'COMPUTE_END'];
  for (const trace of [id + 1, id + 2]) {
    expect(times(trace)).toEqual(['REQUEST_START', 'QUEUE_START', ...executed, 'REQUEST_END']);
  }
  // The whole is executed by its steps alone.
  expect(times(id)).toEqual([
    ...['HTTP_RECV_START', 'HTTP_RECV_END', 'REQUEST_START', 'QUEUE_START'],
    ...['REQUEST_END', 'INFER_RESPONSE_COMPLETE', 'HTTP_SEND_START', 'HTTP_SEND_END'],
  ]);
});
