import { request } from 'node:http';
import { identityModel, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import { runPytest } from './run-python.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

/** Loads for as long as there is a file `wait` beside the model. */
const slowModel = `import os, time
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        while os.path.exists(os.path.join(args["model_repository"], "wait")):
            time.sleep(0.01)

    def execute(self, requests):
        tensors = [pb_utils.get_input_tensor_by_name(r, "X").as_numpy() for r in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("Y", x)]) for x in tensors]
`;

const callingModel = pythonModel(`call = pb_utils.InferenceRequest(
    model_name="called", requested_output_names=["Y"],
    inputs=[pb_utils.Tensor("X", x)])
answer = call.exec()
if answer.has_error():
    raise Exception(answer.error().message())
y = pb_utils.get_output_tensor_by_name(answer, "Y").as_numpy()`);

const forPythonClient = ['unary', 'asked', 'first', 'second', 'operated'];

let repository: TemporaryRepository;
let server: ServerProcess;

beforeAll(async () => {
  repository = temporaryRepository({
    'plain/config.pbtxt': identityConfig('FP32'),
    'plain/1/': '',
    'streamed/config.pbtxt': identityConfig('FP32'),
    'streamed/1/': '',
    'idle/config.pbtxt': identityConfig('FP32'),
    'idle/1/': '',
    'slow/config.pbtxt': pythonConfig(),
    'slow/1/model.py': slowModel,
    'slow/wait': '',
    'left/config.pbtxt': pythonConfig(),
    'left/1/model.py': slowModel,
    'left/wait': '',
    'caller/config.pbtxt': pythonConfig(),
    'caller/1/model.py': callingModel,
    'called/config.pbtxt': pythonConfig(),
    'called/1/model.py': pythonModel('y = x + 1'),
    'broken/config.pbtxt': 'backend: "onnxruntime"',
    'broken/1/model.onnx': 'not a model',
  });
  for (const name of forPythonClient) {
    repository.write(`${name}/config.pbtxt`, identityConfig('FP32'));
    repository.write(`${name}/1/`, '');
  }
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=lazy',
      pythonRuntimeFlag(),
    ],
  });
});
afterAll(async () => {
  expect((await server?.stop())?.status).toBe(0);
  repository.remove();
});

async function infer(
  model: string,
  input = 'INPUT0',
  datatype = 'FP32',
): Promise<readonly [number, Record<string, unknown>]> {
  const response = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs: [{ name: input, datatype, shape: [2], data: [1, 2] }] }),
  });
  return [response.status, (await response.json()) as Record<string, unknown>];
}

const inferInts = (model: string) => infer(model, 'X', 'INT32');

async function states(): Promise<Record<string, string | undefined>> {
  const response = await fetch(`${server.url}/v2/repository/index`, { method: 'POST' });
  const rows = (await response.json()) as { name: string; state?: string }[];
  return Object.fromEntries(rows.map(({ name, state }) => [name, state]));
}

async function status(path: string): Promise<number> {
  return (await fetch(`${server.url}${path}`)).status;
}

describe('a model that nobody has asked for', () => {
  it('is not loaded, would serve, and is loaded by its first request', async () => {
    expect(await status('/v2/health/ready')).toBe(200);
    expect((await states())['plain']).toBe(undefined);
    expect(await status('/v2/models/plain/ready')).toBe(200);
    expect(await status('/v2/models/plain/versions/1/ready')).toBe(200);
    expect(await status('/v2/models/plain/versions/2/ready')).toBe(400);
    expect(await status('/v2/models/nothing/ready')).toBe(400);
    expect((await states())['plain']).toBe(undefined);
    const [code, body] = await infer('plain');
    expect([code, body['outputs']]).toMatchObject([200, [{ data: [1, 2] }]]);
    expect((await states())['plain']).toBe('READY');
    const metrics = await (await fetch(server.metricsUrl as string)).text();
    expect(metrics).toContain('nv_inference_request_success{model="plain",version="1"} 1');
    expect(metrics).not.toContain('model="broken"');
  });

  it('is loaded by a question for its metadata or configuration, too', async () => {
    expect(await status('/v2/models/streamed')).toBe(200);
    expect((await states())['streamed']).toBe('READY');
    expect(await status('/v2/models/streamed/config')).toBe(200);
  });

  it('does not exist: that is said as always', async () => {
    expect(await infer('nothing')).toEqual([
      404,
      { error: "Request for unknown model: 'nothing' is not found" },
    ]);
    expect(await status('/v2/models/plain/versions/7/config')).toBe(404);
    for (const name of ['..', '%2e%2e%2fplain', 'a%00b', 'x'.repeat(300)]) {
      expect(await status(`/v2/models/${name}/config`)).toBeGreaterThanOrEqual(400);
    }
    expect(await status('/v2/health/ready')).toBe(200);
  });
});

describe('many first requests at once', () => {
  it('load the model once, and wait for it', async () => {
    const answers = Array.from({ length: 20 }, () => inferInts('slow'));
    await expect.poll(async () => (await states())['slow']).toBe('LOADING');
    expect(await status('/v2/health/ready')).toBe(200);
    repository.remove('slow/wait');
    for (const [code, body] of await Promise.all(answers)) {
      expect([code, body['outputs']]).toMatchObject([200, [{ data: [1, 2] }]]);
    }
    expect(server.log.match(/successfully loaded 'slow'/gu)).toHaveLength(1);
  });

  it('leave when their clients do, and the model is loaded all the same', async () => {
    const leaver = new AbortController();
    const options = { method: 'POST', signal: leaver.signal };
    const gone = new Promise((resolve) => {
      const sent = request(`${server.url}/v2/models/left/infer`, options);
      sent.on('error', resolve);
      sent.end(
        JSON.stringify({ inputs: [{ name: 'X', datatype: 'INT32', shape: [1], data: [1] }] }),
      );
    });
    await expect.poll(async () => (await states())['left']).toBe('LOADING');
    leaver.abort();
    await gone;
    repository.remove('left/wait');
    await expect.poll(async () => (await states())['left']).toBe('READY');
    const stats = await (await fetch(`${server.url}/v2/models/left/stats`)).json();
    expect(stats).toMatchObject({ model_stats: [{ inference_count: 0 }] });
  });
});

it("Triton's gRPC client finds its models loaded, too", async () => {
  const summary = await runPytest('test_lazy_models.py', {
    NEREID_URL: `127.0.0.1:${server.port}`,
    NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
  });
  expect(summary).toMatch(/^\d+ passed/u);
});

it('a model that another model calls is loaded for the call', async () => {
  const [code, body] = await inferInts('caller');
  expect([code, body['outputs']]).toMatchObject([200, [{ data: [2, 3] }]]);
  expect((await states())['called']).toBe('READY');
});

it('a model that cannot be loaded tells everybody why, and is tried again later', async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, () => infer('broken')));
  for (const [code, { error }] of answers) {
    expect(code).toBe(503);
    expect(error).toContain("failed to load model 'broken': load failed for model 'broken'");
  }
  expect(server.log.match(/failed to load model 'broken': version/gu)).toHaveLength(1);
  expect(await status('/v2/models/broken/ready')).toBe(400);
  expect(await status('/v2/health/ready')).toBe(200);
  repository.write('broken/1/model.onnx', identityModel('FLOAT', ['N']));
  await expect.poll(() => status('/v2/models/broken/config'), { interval: 100 }).toBe(200);
});

it('models without requests are unloaded, and loaded again; one that was loaded by request stays', async () => {
  const idling = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=lazy',
      '--load-model=plain',
      '--model-idle-unload-secs=1',
    ],
  });
  const ask = async (path: string, method = 'GET'): Promise<unknown> => {
    const response = await fetch(`${idling.url}/v2/${path}`, { method });
    return response.headers.get('content-type') === 'application/json' ? response.json() : null;
  };
  const loads = (): number => (idling.log.match(/successfully loaded 'idle'/gu) ?? []).length;
  const unloads = (): number => (idling.log.match(/unloading 'idle': idle for 1 s/gu) ?? []).length;
  for (const times of [1, 2]) {
    expect(await ask('models/idle/config')).toMatchObject({ name: 'idle' });
    expect(loads()).toBe(times);
    await expect.poll(unloads).toBe(times);
  }
  const shown = async (): Promise<readonly unknown[]> => {
    const index = (await ask('repository/index', 'POST')) as { name: string; state?: string }[];
    return ['plain', 'idle', 'unary'].map((name) => index.find((row) => row.name === name)?.state);
  };
  // The log tells of an unload that begins.
  await expect.poll(shown).toEqual(['READY', 'UNAVAILABLE', undefined]);
  expect((await idling.stop()).status).toBe(0);
});

it('a limit on memory makes the models that were used the longest ago make room', async () => {
  const model = identityModel('FLOAT', ['N']);
  const limited = temporaryRepository({});
  for (const name of ['a', 'b', 'c', 'huge']) {
    limited.write(`${name}/config.pbtxt`, 'backend: "onnxruntime"');
    limited.write(`${name}/1/model.onnx`, model);
    // What is known of a model before its first load is the size of its files.
    limited.reserve(`${name}/1/weights`, (name === 'huge' ? 300 : 40) * 1024 * 1024);
  }
  const small = await ServerProcess.start({
    flags: [
      `--model-repository=${limited.path}`,
      '--model-control-mode=lazy',
      `--model-memory-limit-bytes=${100 * 1024 * 1024}`,
    ],
  });
  const ask = async (name: string): Promise<string> => {
    const response = await fetch(`${small.url}/v2/models/${name}/config`);
    return response.status === 200
      ? 'served'
      : ((await response.json()) as { error: string }).error;
  };
  for (const name of ['a', 'b', 'c']) expect(await ask(name)).toBe('served');
  expect(small.log).toContain("unloading 'a': its memory is needed for 'c'");
  expect(await ask('huge')).toContain(
    'more than --model-memory-limit-bytes=104857600 allows for all models',
  );
  expect(await ask('b')).toBe('served');
  expect((await small.stop()).status).toBe(0);
  limited.remove();
});
