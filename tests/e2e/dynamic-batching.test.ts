import { Agent, request } from 'node:http';
import { addSubModel, identityModel, onnxModel, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const vectors = (name: string, type: string): string =>
  `name: "${name}" data_type: TYPE_${type} dims: [ -1 ]`;

/** Adds and subtracts vectors of any length; waits up to 2 ms for company. */
const addConfig = `backend: "onnxruntime"
max_batch_size: 16
input [ { ${vectors('INPUT0', 'FP32')} }, { ${vectors('INPUT1', 'FP32')} } ]
output [ { ${vectors('OUTPUT0', 'FP32')} }, { ${vectors('OUTPUT1', 'FP32')} } ]
dynamic_batching { preferred_batch_size: [ 16 ] max_queue_delay_microseconds: 2000 }`;

const textConfig = `backend: "onnxruntime"
max_batch_size: 8
input [ { ${vectors('INPUT', 'STRING')} } ]
output [ { ${vectors('OUTPUT', 'STRING')} } ]
dynamic_batching { max_queue_delay_microseconds: 1500 }`;

const countIo = `input [ { name: "COUNT" data_type: TYPE_INT64 dims: [ 1 ] } ]
output [ { name: "OUTPUT" data_type: TYPE_INT64 dims: [ 1 ] } ]`;

/** One request at a time; those behind it wait as long as they say. */
const slowConfig = `backend: "onnxruntime"
max_batch_size: 1
instance_group [ { kind: KIND_CPU count: 1 } ]
${countIo}
dynamic_batching {
  default_queue_policy {
    max_queue_size: 2 default_timeout_microseconds: 3600000000 allow_timeout_override: true
  }
}`;

/** Waits for a second request, however long that takes. */
const pairConfig = `backend: "onnxruntime"
max_batch_size: 2
${countIo}
dynamic_batching { max_queue_delay_microseconds: 60000000 }`;

/** Sends three at once, where there are three. */
const sizedConfig = `backend: "onnxruntime"
max_batch_size: 4
${countIo}
dynamic_batching { preferred_batch_size: [ 3 ] }`;

/** Learns how to batch. */
const adaptiveConfig = `backend: "onnxruntime"
max_batch_size: 8
${countIo}
dynamic_batching { }
parameters { key: "adaptive" value { string_value: "true" } }`;

/** `OUTPUT` [N,1] is the largest `COUNT` [N,1] of the batch, reached by counting: about a microsecond a step. */
function countingRows(): Uint8Array {
  const scalar = { type: 'INT64', shape: [] } as const;
  const int64 = (value: bigint) => new Uint8Array(BigInt64Array.of(value).buffer);
  const body = {
    nodes: [
      { op: 'Identity', inputs: ['go'], outputs: ['go_on'] },
      { op: 'Add', inputs: ['sum', 'one'], outputs: ['next'] },
    ],
    inputs: [
      { name: 'step', ...scalar },
      { name: 'go', type: 'BOOL', shape: [] },
      { name: 'sum', ...scalar },
    ],
    outputs: [
      { name: 'go_on', type: 'BOOL', shape: [] },
      { name: 'next', ...scalar },
    ],
  } as const;
  return onnxModel({
    nodes: [
      {
        op: 'ReduceMax',
        inputs: ['COUNT'],
        outputs: ['limit'],
        attributes: { keepdims: 0n },
      },
      {
        op: 'Loop',
        inputs: ['limit', '', 'zero'],
        outputs: ['counted'],
        attributes: { body: { graph: body } },
      },
      { op: 'Sub', inputs: ['COUNT', 'COUNT'], outputs: ['nothing'] },
      { op: 'Add', inputs: ['nothing', 'counted'], outputs: ['OUTPUT'] },
    ],
    inputs: [{ name: 'COUNT', type: 'INT64', shape: ['N', 1] }],
    outputs: [{ name: 'OUTPUT', type: 'INT64', shape: ['N', 1] }],
    initializers: [
      { name: 'zero', ...scalar, data: int64(0n) },
      { name: 'one', ...scalar, data: int64(1n) },
    ],
  });
}

/** A request to count to `steps`. */
function count(steps: number): object {
  return { inputs: [{ name: 'COUNT', datatype: 'INT64', shape: [1, 1], data: [steps] }] };
}

let repository: TemporaryRepository;
let server: ServerProcess;
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

beforeAll(async () => {
  repository = temporaryRepository({
    'add/config.pbtxt': addConfig,
    'add/1/model.onnx': addSubModel('FLOAT', ['N', 'M']),
    'text/config.pbtxt': textConfig,
    'text/1/model.onnx': identityModel('STRING', ['N', 'M']),
    'slow/config.pbtxt': slowConfig,
    'slow/1/model.onnx': countingRows(),
    'plain/config.pbtxt': identityConfig('FP32'),
    'plain/1/': '',
    'pair/config.pbtxt': pairConfig,
    'pair/1/model.onnx': countingRows(),
    'learning/config.pbtxt': adaptiveConfig,
    'learning/1/model.onnx': countingRows(),
    'sized/config.pbtxt': sizedConfig,
    'sized/1/model.onnx': countingRows(),
  });
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, '--disable-auto-complete-config'],
  });
});
afterAll(async () => {
  agent.destroy();
  expect((await server?.stop())?.status).toBe(0);
  repository.remove();
});

interface Answer {
  readonly status: number;
  readonly body: {
    readonly error?: string;
    readonly outputs: readonly { readonly name: string; readonly data: readonly unknown[] }[];
  };
}

/** Posts an inference over one of sixteen connections. */
function infer(model: string, body: unknown, signal?: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent, ...(signal === undefined ? {} : { signal }) };
    const sent = request(`${server.url}/v2/models/${model}/infer`, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) });
      });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

async function json(path: string): Promise<Record<string, never>> {
  return (await (await fetch(`${server.url}${path}`)).json()) as Record<string, never>;
}

async function statistics(model: string): Promise<Record<string, number>> {
  return (await json(`/v2/models/${model}/stats`))['model_stats']?.[0] ?? {};
}

describe('sixteen clients at once', () => {
  it('get the sums of their own numbers, from fewer runs than requests', async () => {
    const ask = async (client: number, round: number): Promise<void> => {
      // Two lengths, so that not everything may merge, and batches of one to three.
      const length = client % 4 === 0 ? 3 : 2;
      const rows = 1 + ((client + round) % 3);
      const first = Array.from({ length: rows * length }, (_, i) => client * 1000 + round * 10 + i);
      const second = first.map((value) => value / 2);
      const input = (name: string, data: number[]) => ({
        name,
        datatype: 'FP32',
        shape: [rows, length],
        data,
      });
      const outputs = client % 2 === 0 ? [{ name: 'OUTPUT1' }] : undefined;
      const { status, body } = await infer('add', {
        inputs: [input('INPUT0', first), input('INPUT1', second)],
        outputs,
      });
      expect(status, JSON.stringify(body)).toBe(200);
      expect(body.outputs.map(({ name }) => name)).toEqual(
        client % 2 === 0 ? ['OUTPUT1'] : ['OUTPUT0', 'OUTPUT1'],
      );
      expect(body.outputs.at(-1)?.data).toEqual(second);
      if (client % 2 === 1) expect(body.outputs[0]?.data).toEqual(first.map((v) => v * 1.5));
    };
    const rounds = 20;
    const client = async (index: number): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) await ask(index, round);
    };
    await Promise.all(Array.from({ length: 16 }, (_, index) => client(index)));
    const { execution_count, inference_count } = await statistics('add');
    expect(execution_count).toBeLessThan(16 * rounds);
    expect(inference_count).toBeGreaterThan(16 * rounds);
    const report = await json('/v2/models/add/batching');
    expect(report['request_count']).toBe(16 * rounds);
    expect(report['batch_count']).toBe(execution_count);
    const reasons: number[] = Object.values(report['reasons'] ?? {});
    expect(reasons.reduce((sum, count) => sum + count, 0)).toBe(execution_count);
  });

  it('get their own strings back', async () => {
    const ask = async (client: number): Promise<void> => {
      const data = [`client ${client}`, 'é'.repeat(client), ''];
      const { status, body } = await infer('text', {
        inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 3], data }],
      });
      expect([status, body.outputs[0]?.data]).toEqual([200, data]);
    };
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 16 }, (_, client) => ask(client)));
    }
    expect((await statistics('text'))['execution_count']).toBeLessThan(48);
  });
});

describe('a queue with a policy', () => {
  it('rejects what is too much or waits too long, and forgets who went away', async () => {
    const controller = new AbortController();
    const running = infer('slow', count(2_000_000_000), controller.signal).catch(() => 'gone');
    await expect.poll(async () => (await json('/v2/models/slow/batching'))['batch_count']).toBe(1);
    const pending = async () => (await json('/v2/models/slow/batching'))['pending_count'];
    const leaver = new AbortController();
    const left = infer('slow', count(1), leaver.signal).catch(() => 'gone');
    const patient = infer('slow', count(1));
    await expect.poll(pending).toBe(2);
    const refused = await infer('slow', count(1));
    expect([refused.status, refused.body.error]).toEqual([503, 'Exceeds maximum queue size']);
    leaver.abort();
    expect(await left).toBe('gone');
    await expect.poll(pending).toBe(1);
    const expired = await infer('slow', { ...count(1), parameters: { timeout: 100_000 } });
    expect([expired.status, expired.body.error]).toEqual([503, 'Request timeout expired']);
    // Nobody waits for the long run any more: it is stopped, and the model is free.
    controller.abort();
    expect(await running).toBe('gone');
    expect((await patient).status).toBe(200);
  });
});

describe('a batch of two', () => {
  const batchCount = async (): Promise<number> =>
    (await json('/v2/models/pair/batching'))['batch_count'] ?? 0;

  it('goes on for one when the other has gone', async () => {
    // Where the machine is busy, the batch may be over before one leaves it: then once more, with a longer one.
    for (let steps = 1_000_000, gone = false; !gone; steps *= 2) {
      const before = await batchCount();
      const leaver = new AbortController();
      const left = infer('pair', count(steps), leaver.signal).catch(() => 'gone');
      const stayed = infer('pair', count(100_000));
      await expect.poll(batchCount, { interval: 5 }).toBe(before + 1);
      leaver.abort();
      gone = (await left) === 'gone';
      expect((await stayed).body.outputs[0]?.data).toEqual([steps]);
    }
  });

  it('is stopped when both have gone', async () => {
    const before = await batchCount();
    const leavers = [new AbortController(), new AbortController()];
    const left = leavers.map(({ signal }) =>
      infer('pair', count(2_000_000_000), signal).catch(() => 'gone'),
    );
    await expect.poll(batchCount, { interval: 5 }).toBe(before + 1);
    for (const leaver of leavers) leaver.abort();
    expect(await Promise.all(left)).toEqual(['gone', 'gone']);
    const answers = await Promise.all([infer('pair', count(6)), infer('pair', count(7))]);
    expect(answers.map(({ body }) => body.outputs[0]?.data)).toEqual([[7], [7]]);
  });
});

describe('a model that learns how to batch', () => {
  it('joins more and more requests, and tells what it has learned', async () => {
    const client = async (): Promise<void> => {
      for (let round = 0; round < 40; round += 1) {
        const { status, body } = await infer('learning', count(1000));
        expect([status, body.outputs[0]?.data]).toEqual([200, [1000]]);
      }
    };
    await Promise.all(Array.from({ length: 16 }, client));
    const report = (await json('/v2/models/learning/batching')) as unknown as {
      readonly request_count: number;
      readonly batch_count: number;
      readonly adaptive: { readonly costs: readonly { readonly usual_us: number }[] };
    };
    expect(report.request_count).toBe(640);
    expect(report.batch_count).toBeLessThan(640);
    expect(report.adaptive.costs.length).toBeGreaterThan(1);
    for (const { usual_us } of report.adaptive.costs) expect(usual_us).toBeGreaterThan(0);
  });
});

describe('with TRITONSERVER_DELAY_SCHEDULER', () => {
  it('sends the first batch when so many requests wait, and says why each was sent', async () => {
    const delayed = await ServerProcess.start({
      flags: [
        `--model-repository=${repository.path}`,
        '--model-control-mode=explicit',
        '--load-model=sized',
        '--log-verbose=1',
      ],
      env: { TRITONSERVER_DELAY_SCHEDULER: '5' },
    });
    const body = { inputs: [{ name: 'COUNT', datatype: 'INT64', shape: [1, 1], data: [1] }] };
    const send = async (): Promise<number> => {
      const url = `${delayed.url}/v2/models/sized/infer`;
      return (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).status;
    };
    const statuses = await Promise.all(Array.from({ length: 5 }, send));
    expect(statuses).toEqual([200, 200, 200, 200, 200]);
    const report = await (await fetch(`${delayed.url}/v2/models/sized/batching`)).json();
    expect(report).toMatchObject({ batch_sizes: [{ batch_size: 2 }, { batch_size: 3 }] });
    const { status, output } = await delayed.stop();
    expect(status).toBe(0);
    expect(output).toContain("model 'sized': batch of 3 from 3 requests (preferred_size), 2 wait");
  });
});

it('says why there is nothing to tell of a model', async () => {
  const missing = await fetch(`${server.url}/v2/models/nothing/batching`);
  expect(missing.status).toBe(404);
  const plain = await fetch(`${server.url}/v2/models/plain/batching`);
  expect([plain.status, await plain.json()]).toEqual([
    400,
    {
      error: "model 'plain' does not join requests: its configuration has no dynamic_batching",
    },
  ]);
});
