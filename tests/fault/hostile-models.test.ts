import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addSubModel, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identityConfig, temporaryRepository } from '../e2e/temporary-repository.ts';

const good = addSubModel('FLOAT', ['N', 4]);
const repository = temporaryRepository({
  'good/config.pbtxt': identityConfig('INT32'),
  'good/1/': '',
  'onnx/1/model.onnx': good,
});
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--load-model=good',
      '--strict-readiness=false',
    ],
  });
});

afterAll(async () => {
  const { status } = await server.stop();
  repository.remove();
  expect(status).toBe(0);
});

async function post(path: string, body: unknown = ''): Promise<{ status: number; text: string }> {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(server.url + path, { method: 'POST', body: sent });
  return { status: answer.status, text: await answer.text() };
}

function load(
  name: string,
  parameters: unknown = undefined,
): Promise<{ status: number; text: string }> {
  const path = `/v2/repository/models/${name}/load`;
  return parameters === undefined ? post(path) : post(path, { parameters });
}

/** The process lives and answers rightly. */
async function serverAnswers(): Promise<void> {
  const answer = await post('/v2/models/good/infer', {
    inputs: [{ name: 'INPUT0', shape: [2], datatype: 'INT32', data: [4, 5] }],
  });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.text).outputs[0].data).toEqual([4, 5]);
}

/** Repeats the same sequence each time: a failure can be looked at again. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('files that are no models', () => {
  it('answers for every flipped bit, and serves on', async () => {
    const random = pseudoRandom(1);
    for (let i = 0; i < 60; i++) {
      const broken = Buffer.from(good);
      const at = Math.floor(random() * broken.length);
      broken[at] = (broken[at] as number) ^ (1 << Math.floor(random() * 8));
      repository.write('flipped/1/model.onnx', broken);
      // Some bits do not matter; whatever happens, it is an answer.
      const { status, text } = await load('flipped');
      expect([200, 400, 500], text).toContain(status);
      if (status !== 200) expect(JSON.parse(text).error).toContain('flipped');
    }
    await serverAnswers();
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['half', Buffer.from(good).subarray(0, good.length >> 1)],
    ['text', Buffer.from('not a model\n')],
    ['zeros', Buffer.alloc(100_000)],
  ])('refuses a file that is %s, and takes it when it is whole', async (name, content) => {
    repository.write(`${name}/1/model.onnx`, content);
    const refused = await load(name);
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text).error).toMatch(/version 1 is at UNAVAILABLE state: \w+/u);
    repository.write(`${name}/1/model.onnx`, good);
    expect((await load(name)).status).toBe(200);
    await serverAnswers();
  });

  it('refuses a version folder that is empty, a model that is a folder, and a link in a circle', async () => {
    mkdirSync(join(repository.path, 'hollow', '1'), { recursive: true });
    writeFileSync(join(repository.path, 'hollow', 'config.pbtxt'), 'backend: "onnxruntime"');
    expect((await load('hollow')).text).toContain('failed to stat file');
    mkdirSync(join(repository.path, 'nested', '1', 'model.onnx', 'deeper'), { recursive: true });
    expect((await load('nested')).status).toBe(400);
    symlinkSync('circle', join(repository.path, 'circle'));
    expect((await load('circle')).status).toBe(500);
    symlinkSync('..', join(repository.path, 'onnx', 'up'));
    expect((await load('onnx')).status).toBe(200);
    await serverAnswers();
  });

  it.skipIf(process.getuid?.() === 0)('says that it may not read a folder', async () => {
    repository.write('secret/1/model.onnx', good);
    chmodSync(join(repository.path, 'secret'), 0o000);
    expect((await load('secret')).status).toBe(500);
    await serverAnswers();
  });
});

describe('configurations that ask for too much', () => {
  it.each([
    ['instances', 'instance_group [ { count: 1000000000 kind: KIND_CPU } ]'],
    ['batch', 'max_batch_size: 2147483648'],
    ['negative', 'max_batch_size: -1'],
    ['field', 'no_such_field: 1'],
    ['nonsense', '}{'],
    ['nul', 'name: "a\u0000b"'],
    [
      'deep',
      `parameters { key: "a" value { ${'string_value: "x" '.repeat(1)} } } ${'optimization { '.repeat(5000)}`,
    ],
    ['huge', `# ${'x'.repeat(1_000_000)}`],
  ])('refuses %s with a line that says what is wrong', async (name, extra) => {
    repository.write(`big_${name}/config.pbtxt`, `backend: "onnxruntime"\n${extra}\n`);
    repository.write(`big_${name}/1/model.onnx`, good);
    const { status, text } = await load(`big_${name}`);
    expect([400, 500], text).toContain(status);
    expect(JSON.parse(text).error).toContain(`big_${name}`);
    await serverAnswers();
  });

  it('refuses a billion instances of a model that serves', async () => {
    const config = { backend: 'identity', max_batch_size: 0, instance_group: [{ count: 1e9 }] };
    const port = { data_type: 'TYPE_INT32', dims: [-1] };
    const input = [{ ...port, name: 'INPUT0' }];
    const output = [{ ...port, name: 'OUTPUT0' }];
    const { status, text } = await load('good', {
      config: JSON.stringify({ ...config, input, output }),
    });
    expect([status, text]).toEqual([400, expect.stringContaining('asks for 1000000000 instances')]);
    await serverAnswers();
  });

  it('says in the log which line is wrong and how to mend it', async () => {
    repository.write('typo/config.pbtxt', 'backend: "onnxruntime"\nmax_batch_sise: 8\n');
    repository.write('typo/1/model.onnx', good);
    await load('typo');
    await expect.poll(() => server.log).toMatch(/typo\/config\.pbtxt:2:1: .*max_batch_size/u);
  });
});

describe('load requests that reach for other files', () => {
  const config = '{"backend":"onnxruntime"}';
  const content = Buffer.from(good).toString('base64');

  it('keeps what starts at the root in the model', async () => {
    // As Triton does: this is no version, and the file is where nobody else looks.
    const { status } = await load('planted', { config, 'file:/etc/nereid': content });
    expect([status, existsSync('/etc/nereid')]).toEqual([400, false]);
    await serverAnswers();
  });

  it.each(['../x/model.onnx', '/../x/model.onnx', '1/../../model.onnx', ''])(
    'refuses file:%s',
    async (path) => {
      const { status } = await load('planted', { config, [`file:${path}`]: content });
      expect(status).toBe(500);
      await serverAnswers();
    },
  );

  it('refuses what is no base64 or no string', async () => {
    expect((await load('planted', { config, 'file:1/model.onnx': '!!!' })).status).not.toBe(200);
    expect((await load('planted', { config, 'file:1/model.onnx': 5 })).status).toBe(500);
    await serverAnswers();
  });

  it('refuses names that are paths', async () => {
    for (const name of ['..', '%2e%2e', ' ..', 'a%2F..%2Fb', '%00', 'x'.repeat(4096)]) {
      const { status } = await load(encodeURI(name));
      expect(status, name).toBeGreaterThanOrEqual(400);
    }
    await serverAnswers();
  });
});

it('loads and unloads a hundred times while requests come', async () => {
  expect((await load('onnx')).status).toBe(200);
  const body = JSON.stringify({
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({
      name,
      shape: [1, 4],
      datatype: 'FP32',
      data: [1, 2, 3, 4],
    })),
  });
  const statuses = new Map<number, number>();
  let racing = true;
  const client = async (): Promise<void> => {
    while (racing) {
      const { status } = await post('/v2/models/onnx/infer', body);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const clients = [client(), client(), client(), client()];
  for (let i = 0; i < 50; i++) {
    await Promise.all([post('/v2/repository/models/onnx/unload'), load('onnx')]);
  }
  racing = false;
  await Promise.all(clients);
  expect((await load('onnx')).status).toBe(200);
  for (const status of statuses.keys()) expect([200, 400, 404, 503]).toContain(status);
  expect(statuses.get(200) ?? 0, JSON.stringify([...statuses])).toBeGreaterThan(0);
  await serverAnswers();
});
