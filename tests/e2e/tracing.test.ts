import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensurePerfAnalyzer } from '../../tools/perf-analyzer.mjs';
import { exampleModels } from './checkout.ts';
import { OtlpReceiver, type ReceivedSpan } from './otlp-receiver.ts';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import { runCommand } from './run-command.ts';
import { runPytest } from './run-python.ts';
import { identityConfig, temporaryRepository } from './temporary-repository.ts';

let folder = '';
let server: ServerProcess | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-traces-'));
});
afterEach(async () => {
  await server?.stop();
  server = null;
  rmSync(folder, { recursive: true, force: true });
});

/** One object of a trace file. */
interface Item {
  readonly id: number;
  readonly model_name?: string;
  readonly request_id?: string;
  readonly parent_id?: number;
  readonly timestamps?: readonly { readonly name: string; readonly ns: number }[];
  readonly activity?: string;
  readonly tensor?: Readonly<Record<'name' | 'data' | 'shape' | 'dtype', string>>;
}

function read(name: string): Item[] {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as Item[];
}

function models(items: readonly Item[]): Item[] {
  return items.filter(({ model_name }) => model_name !== undefined);
}

function timesOf(items: readonly Item[], id: number): string[] {
  return items
    .filter((item) => item.id === id)
    .flatMap(({ timestamps }) => timestamps ?? [])
    .map(({ name }) => name);
}

/** A server of two models that answer with their input, with these settings of traces. */
async function start(settings: readonly string[], models: object = {}): Promise<ServerProcess> {
  const repository = temporaryRepository({
    'one/config.pbtxt': identityConfig('INT32'),
    'one/1/': '',
    'two/config.pbtxt': identityConfig('INT32'),
    'two/1/': '',
    ...models,
  });
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      ...settings.map((setting) => `--trace-config=${setting}`),
      pythonRuntimeFlag(),
    ],
  });
  repository.remove();
  return server;
}

const file = (): string => `triton,file=${join(folder, 'trace.json')}`;

async function infer(
  model: string,
  headers: Readonly<Record<string, string>> = {},
  input = 'INPUT0',
): Promise<number> {
  const body = {
    id: 'a "b"',
    inputs: [{ name: input, shape: [2], datatype: 'INT32', data: [1, 2] }],
  };
  const response = await fetch(`${server?.url}/v2/models/${model}/infer`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}

async function change(path: string, settings: object): Promise<void> {
  const response = await fetch(`${server?.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(settings),
  });
  expect(response.status, await response.text()).toBe(200);
}

async function stop(): Promise<void> {
  expect((await server?.stop())?.status).toBe(0);
  server = null;
}

describe('trace files', () => {
  it('have times and tensors of requests, as Triton writes them', async () => {
    await start([file(), 'level=TIMESTAMPS', 'level=TENSORS', 'rate=1']);
    expect(await infer('one')).toBe(200);
    await stop();
    const items = read('trace.json');
    expect(models(items)).toEqual([
      { id: 1, model_name: 'one', model_version: 1, request_id: 'a "b"' },
    ]);
    expect(timesOf(items, 1)).toEqual([
      'HTTP_RECV_START',
      'HTTP_RECV_END',
      'REQUEST_START',
      'QUEUE_START',
      'COMPUTE_START',
      'COMPUTE_INPUT_END',
      'COMPUTE_OUTPUT_START',
      'COMPUTE_END',
      'REQUEST_END',
      'INFER_RESPONSE_COMPLETE',
      'HTTP_SEND_START',
      'HTTP_SEND_END',
    ]);
    const times = items.flatMap(({ timestamps }) => timestamps ?? []).map(({ ns }) => ns);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(items.flatMap(({ activity, tensor }) => (tensor ? [[activity, tensor]] : []))).toEqual([
      ['TENSOR_QUEUE_INPUT', { name: 'INPUT0', data: '1,2', shape: '2', dtype: 'INT32' }],
      ['TENSOR_BACKEND_OUTPUT', { name: 'OUTPUT0', data: '1,2', shape: '2', dtype: 'INT32' }],
    ]);
  });

  it('have exactly the requests that rate and count say, so many to a file', async () => {
    await start([file(), 'level=TIMESTAMPS', 'rate=3', 'count=5', 'triton,log-frequency=2']);
    const answers = await Promise.all(Array.from({ length: 40 }, () => infer('one')));
    expect(new Set(answers)).toEqual(new Set([200]));
    await stop();
    expect(readdirSync(folder).sort()).toEqual(['trace.json.0', 'trace.json.1', 'trace.json.2']);
    const counts = [0, 1, 2].map((index) => models(read(`trace.json.${index}`)).length);
    expect(counts).toEqual([2, 2, 1]);
  });

  it('follow the settings of models, and changes of them', async () => {
    await start([file(), 'rate=1', 'triton,log-frequency=1']);
    const both = async (): Promise<void> => {
      await infer('one');
      await infer('two');
    };
    await infer('one');
    await change('/v2/models/one/trace/setting', { trace_level: ['TIMESTAMPS'], trace_count: '3' });
    await change('/v2/models/two/trace/setting', { trace_level: ['TENSORS'], trace_rate: '2' });
    for (let i = 0; i < 4; i++) await both();
    await change('/v2/models/two/trace/setting', { trace_level: null, trace_rate: null });
    await both();
    await change('/v2/trace/setting', { trace_level: ['TIMESTAMPS'] });
    await infer('two');
    await stop();
    const items = readdirSync(folder)
      .sort((a, b) => Number(a.split('.')[2]) - Number(b.split('.')[2]))
      .map((name) => read(name));
    expect(items.map((file) => models(file)[0]?.model_name)).toEqual([
      'one',
      'one',
      'two',
      'one',
      'two',
      'two',
    ]);
    expect(items.map((file) => file.some(({ timestamps }) => timestamps !== undefined))).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  it('show what a Python model asks of others below its own request', async () => {
    const calls = `ask = lambda **more: pb_utils.InferenceRequest(model_name="one",
    requested_output_names=["OUTPUT0"], inputs=[pb_utils.Tensor("INPUT0", x)], **more).exec()
ask(trace=r.trace())
ask()
assert r.trace().get_context() is None`;
    await start([file(), 'level=TIMESTAMPS', 'rate=1'], {
      'caller/config.pbtxt': pythonConfig(),
      'caller/1/model.py': pythonModel(calls),
    });
    expect(await infer('caller', {}, 'X')).toBe(200);
    await stop();
    expect(models(read('trace.json'))).toEqual([
      { id: 1, model_name: 'caller', model_version: 1, request_id: 'a "b"' },
      { id: 2, model_name: 'one', model_version: 1, parent_id: 1 },
    ]);
  });

  it('that cannot be written are told of at the start, and cost no request', async () => {
    await start([
      'triton,file=/nowhere/trace.json',
      'level=TIMESTAMPS',
      'rate=1',
      'triton,log-frequency=1',
    ]);
    expect(server?.log).toContain('traces cannot be written to /nowhere/trace.json');
    expect(await infer('one')).toBe(200);
    await server?.logged(/failed creating trace file \/nowhere\/trace\.json\.0/u);
    expect(await infer('one')).toBe(200);
  });

  it('end where the disk is full, and can be read nevertheless', async () => {
    await start(['triton,file=/dev/full', 'level=TIMESTAMPS', 'rate=1']);
    for (let i = 0; i < 3; i++) expect(await infer('one')).toBe(200);
    const end = await server?.stop();
    server = null;
    expect(end?.status).toBe(0);
    expect(end?.output).toMatch(/failed creating trace file \/dev\/full: ENOSPC/u);
  });
});

describe('clients', () => {
  it("of Triton's own read, change and clear settings", async () => {
    server = await ServerProcess.start({
      flags: [
        `--model-repository=${exampleModels}`,
        `--trace-config=${file()}`,
        '--trace-config=level=TIMESTAMPS',
        '--trace-config=rate=1',
      ],
    });
    const summary = await runPytest('test_trace_settings.py', {
      NEREID_URL: `127.0.0.1:${server.port}`,
      NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
    });
    expect(summary).toMatch(/^\d+ passed/u);
  });

  const tool = ensurePerfAnalyzer();
  const reason = tool.available ? '' : ` (skipped: ${tool.reason})`;
  it.skipIf(!tool.available)(`may be perf_analyzer, which turns tracing on${reason}`, async () => {
    if (!tool.available) throw new Error(tool.reason);
    server = await ServerProcess.start({
      flags: [`--model-repository=${exampleModels}`, `--trace-config=${file()}`],
    });
    const end = await runCommand(
      tool.path,
      [
        ...['-m', 'simple', '-u', `127.0.0.1:${server.port}`, '--request-count=40'],
        ...['--trace-level=TIMESTAMPS', '--trace-rate=2', '--trace-count=10', '--log-frequency=5'],
      ],
      tool.env,
    );
    expect(end.status, end.output).toBe(0);
    await stop();
    expect(models(read('trace.json.0'))).toHaveLength(5);
    expect(models(read('trace.json.1'))).toHaveLength(5);
    expect(readdirSync(folder)).toHaveLength(2);
  });
});

describe('OpenTelemetry', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  let receiver: OtlpReceiver;
  beforeEach(async () => {
    receiver = await OtlpReceiver.start();
  });
  afterEach(() => receiver.stop());

  const settings = (...more: string[]): string[] => [
    'mode=opentelemetry',
    `opentelemetry,url=127.0.0.1:${receiver.port}/v1/traces`,
    'level=TIMESTAMPS',
    ...more,
  ];

  const named = (name: string): ReceivedSpan => {
    const span = receiver.spans.find((candidate) => candidate.name === name);
    if (span === undefined) throw new Error(`no span '${name}' was exported`);
    return span;
  };

  it('gets the spans that Triton makes', async () => {
    await start(settings('rate=1', 'opentelemetry,resource=service.version=7'));
    expect(await infer('one')).toBe(200);
    await stop();
    expect(receiver.exports[0]).toMatchObject({
      contentType: 'application/x-protobuf',
      resource: { 'service.name': 'triton-inference-server', 'service.version': '7' },
      scope: 'triton-server',
    });
    expect(receiver.spans.map(({ name }) => name).sort()).toEqual([
      'InferRequest',
      'compute',
      'one',
    ]);
    const [root, model, compute] = [named('InferRequest'), named('one'), named('compute')];
    expect([root.parentSpanId, model.parentSpanId, compute.parentSpanId]).toEqual([
      '',
      root.spanId,
      model.spanId,
    ]);
    expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(1);
    // SPAN_KIND_SERVER
    expect(new Set(receiver.spans.map(({ kind }) => kind))).toEqual(new Set([2]));
    expect(model.attributes).toEqual({
      'triton.model_name': 'one',
      'triton.model_version': 1,
      'triton.trace_id': 1,
      'triton.trace_parent_id': 0,
      'triton.request_id': 'a "b"',
    });
    expect([root, model, compute].map(({ events }) => events.map(({ name }) => name))).toEqual([
      [
        'HTTP_RECV_START',
        'HTTP_RECV_END',
        'INFER_RESPONSE_COMPLETE',
        'HTTP_SEND_START',
        'HTTP_SEND_END',
      ],
      ['REQUEST_START', 'QUEUE_START', 'REQUEST_END'],
      ['COMPUTE_START', 'COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START', 'COMPUTE_END'],
    ]);
    expect(model.startNs >= root.startNs - 10_000_000n && model.endNs <= root.endNs).toBe(true);
    expect(Math.abs(Number(root.startNs / 1_000_000n) - Date.now())).toBeLessThan(600_000);
  });

  it("gets spans below those of clients, whatever the rate says, and those of models' calls below them", async () => {
    const calls = `context = json.loads(r.trace().get_context())
pb_utils.InferenceRequest(model_name="one", requested_output_names=["OUTPUT0"],
    inputs=[pb_utils.Tensor("INPUT0", x)], trace=r.trace()).exec()
y = np.frombuffer(bytes.fromhex(context["traceparent"].split("-")[2]), dtype=np.int32)`;
    await start(settings('rate=0'), {
      'caller/config.pbtxt': pythonConfig(),
      'caller/1/model.py': pythonModel(calls),
    });
    expect(await infer('two')).toBe(200);
    expect(await infer('two', { traceparent: `${traceparent}x` })).toBe(200);
    expect(await infer('caller', { traceparent, tracestate: 'a=b' }, 'X')).toBe(200);
    await stop();
    expect(receiver.spans.map(({ name }) => name).sort()).toEqual([
      'InferRequest',
      'caller',
      'compute',
      'compute',
      'one',
    ]);
    expect(named('InferRequest')).toMatchObject({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      parentSpanId: 'b7ad6b7169203331',
      traceState: 'a=b',
    });
    expect(named('caller').parentSpanId).toBe(named('InferRequest').spanId);
    expect(named('one').parentSpanId).toBe(named('caller').spanId);
    expect(named('one').attributes['triton.trace_parent_id']).toBe(1);
  });

  it('shows its settings, and takes changes of level, rate and count', async () => {
    await start(settings('rate=1', 'opentelemetry,bsp_max_queue_size=9'));
    await change('/v2/trace/setting', { trace_count: '1' });
    for (let i = 0; i < 3; i++) expect(await infer('one')).toBe(200);
    const shown = await (await fetch(`${server?.url}/v2/trace/setting`)).json();
    expect(shown).toEqual({
      trace_level: ['TIMESTAMPS'],
      trace_rate: '1',
      trace_count: '0',
      trace_mode: 'opentelemetry',
      url: `127.0.0.1:${receiver.port}/v1/traces`,
      bsp_max_queue_size: '9',
      bsp_schedule_delay: '5000',
      bsp_max_export_batch_size: '512',
    });
    await stop();
    expect(receiver.spans).toHaveLength(3);
  });

  it('may be away: requests are answered, the log says it once, and the server ends', async () => {
    receiver.status = 400;
    await start(settings('rate=1', 'opentelemetry,bsp_schedule_delay=10'));
    expect(await infer('one')).toBe(200);
    await server?.logged(/traces cannot be exported to http:/u);
    expect(await infer('one')).toBe(200);
    const running = server;
    await stop();
    expect(running?.log.match(/traces cannot be exported to http:/gu)).toHaveLength(1);
  });
});
