import { Agent, request } from 'node:http';
import { identityModel, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from '../e2e/temporary-repository.ts';

const raggedConfig = `backend: "onnxruntime"
max_batch_size: 8
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ -1, -1 ] allow_ragged_batch: true } ]
output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ -1, -1 ] } ]
batch_output [ { target_name: "OUTPUT" kind: BATCH_SCATTER_WITH_INPUT_SHAPE source_input: "INPUT" } ]
dynamic_batching { max_queue_delay_microseconds: 1000 }`;

let repository: TemporaryRepository;
let server: ServerProcess;
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

beforeAll(async () => {
  repository = temporaryRepository({
    'ragged/config.pbtxt': raggedConfig,
    'ragged/1/model.onnx': identityModel('FLOAT', [null]),
  });
  for (const name of ['good', 'raced', 'a', 'b', 'c']) {
    repository.write(`${name}/config.pbtxt`, identityConfig('FP32'));
    // So large that what the requests of others take meanwhile is little beside it.
    repository.reserve(`${name}/1/weights`, name.length === 1 ? 40_000_000 : 1);
  }
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=lazy',
      // Two of a, b and c.
      '--model-memory-limit-bytes=100000000',
    ],
  });
});
afterAll(async () => {
  agent.destroy();
  expect((await server?.stop())?.status).toBe(0);
  repository.remove();
});

function post(path: string, body: unknown, signal?: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent, ...(signal === undefined ? {} : { signal }) };
    const sent = request(`${server.url}${path}`, options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

function infer(model: string, signal?: AbortSignal): Promise<number> {
  const input = { name: 'INPUT0', datatype: 'FP32', shape: [2], data: [1, 2] };
  return post(`/v2/models/${model}/infer`, { inputs: [input] }, signal);
}

function inferRagged(shape: readonly number[], count: number, signal?: AbortSignal) {
  const data = new Array<number>(count).fill(1);
  const input = { name: 'INPUT', datatype: 'FP32', shape, data };
  return post('/v2/models/ragged/infer', { inputs: [input] }, signal);
}

describe('ragged requests', () => {
  it('of any shape and lie leave the others of their batch alone', async () => {
    const asked: readonly (readonly [readonly number[], number, boolean])[] = [
      [[1, 2, 3], 6, true],
      [[8, 1, 1], 8, true],
      [[1, 0, 7], 0, true],
      [[1, 0, 0], 0, true],
      [[9, 1, 1], 9, false],
      [[1, 2, 3], 5, false],
      [[1, 65_536, 65_536], 1, false],
      [[1, 9_007_199_254_740_992, 4096], 1, false],
      [[1, -1, 3], 3, false],
      [[1, 3], 3, false],
    ];
    for (let round = 0; round < 5; round += 1) {
      const statuses = await Promise.all(asked.map(([shape, count]) => inferRagged(shape, count)));
      expect(statuses.map((status) => status === 200)).toEqual(asked.map(([, , right]) => right));
    }
  });

  it('of clients that leave while they are batched are let go', async () => {
    for (let round = 0; round < 5; round += 1) {
      const leavers = Array.from({ length: 32 }, () => new AbortController());
      const left = leavers.map(({ signal }) => inferRagged([1, 4, 4], 16, signal).catch(() => 0));
      const stayed = inferRagged([1, 1, 1], 1);
      setImmediate(() => {
        for (const leaver of leavers) leaver.abort();
      });
      await Promise.all(left);
      expect(await stayed).toBe(200);
    }
    // The server may learn of the last of them after it has answered who stayed.
    const report = async () => (await fetch(`${server.url}/v2/models/ragged/batching`)).json();
    await expect.poll(report).toMatchObject({ pending_count: 0 });
  });
});

describe('models on demand', () => {
  it('that do not exist are asked for in vain, however many and whatever their names', async () => {
    const names = ['__proto__', 'constructor', '%2e%2e', '..%2fgood', 'a%00', '%20', '\u00e9'];
    for (let i = 0; i < 500; i += 1) names.push(`nothing${i}`);
    const statuses = await Promise.all(names.map((name) => infer(encodeURI(name))));
    for (const status of statuses) expect([400, 404]).toContain(status);
    expect(await infer('good')).toBe(200);
  });

  it('are loaded, unloaded and asked for at once, and everybody is answered', async () => {
    const control = async (kind: string): Promise<void> => {
      for (let i = 0; i < 25; i += 1) {
        expect(await post(`/v2/repository/models/raced/${kind}`, {})).toBe(200);
      }
    };
    const ask = async (): Promise<void> => {
      for (let i = 0; i < 50; i += 1) expect([200, 404, 503]).toContain(await infer('raced'));
    };
    await Promise.all([control('load'), control('unload'), ask(), ask(), ask()]);
    expect(await infer('raced')).toBe(200);
  });

  it('that do not all fit make room for each other', async () => {
    const ask = async (names: readonly string[]): Promise<void> => {
      for (let i = 0; i < 12; i += 1) {
        expect([200, 503]).toContain(await infer(names[i % names.length] as string));
      }
    };
    await Promise.all([ask(['a', 'b', 'c']), ask(['c', 'a', 'b']), ask(['b', 'c'])]);
    for (const name of ['a', 'b', 'c']) expect(await infer(name)).toBe(200);
    await expect.poll(() => server.log).toMatch(/its memory is needed for/u);
  });

  it('whose clients leave are loaded all the same, or not, and nothing waits for ever', async () => {
    for (let i = 0; i < 10; i += 1) {
      await post('/v2/repository/models/raced/unload', {});
      const leaver = new AbortController();
      const left = infer('raced', leaver.signal).catch(() => 0);
      setImmediate(() => leaver.abort());
      await left;
    }
    expect(await infer('raced')).toBe(200);
  });
});
