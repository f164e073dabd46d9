import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import { modelFiles, temporaryRepository } from './temporary-repository.ts';

const isReady = (body: string, prefix = ''): string =>
  `\n    ${prefix}def is_ready(self):\n        ${body}\n`;
const flag = (name: string): string =>
  `os.path.exists(os.path.join(os.path.dirname(__file__), "${name}"))`;

const models: Record<string, string> = {
  // It starts when there is no file `hold` beside it.
  plain: pythonModel(
    'if x[0] == 7: os._exit(1)',
    `\n    def initialize(self, args):\n        while ${flag('hold')}: time.sleep(0.002)\n`,
  ),
  asked: pythonModel('time.sleep(float(x[0]))', isReady(`return ${flag('flag')}`)),
  awaited: pythonModel('', isReady('await asyncio.sleep(0)\n        return True', 'async ')),
  raising: pythonModel('', isReady('raise ValueError("not today")')),
  number: pythonModel('', isReady('return 1')),
};

const repository = temporaryRepository(
  modelFiles(models, (code) => ({ 'config.pbtxt': pythonConfig(), '1/model.py': code })),
);
const flagFile = join(repository.path, 'asked', '1', 'flag');
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--load-model=*',
      '--log-verbose=1',
      pythonRuntimeFlag(),
    ],
    until: 'live',
  });
});

afterAll(async () => {
  await server.stop();
  repository.remove();
});

async function ready(model: string): Promise<number> {
  return (await fetch(`${server.url}/v2/models/${model}/ready`)).status;
}

async function serverReady(): Promise<number> {
  return (await fetch(`${server.url}/v2/health/ready`)).status;
}

function infer(model: string, value: number): Promise<Response> {
  const input = { name: 'X', shape: [1], datatype: 'INT32', data: [value] };
  return fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs: [input] }),
  });
}

describe('is_ready', () => {
  it('decides, whatever the model is doing', async () => {
    if (existsSync(flagFile)) rmSync(flagFile);
    expect(await ready('asked')).toBe(400);
    writeFileSync(flagFile, '');
    expect(await ready('asked')).toBe(200);
    const running = infer('asked', 1);
    expect(await ready('asked')).toBe(200);
    rmSync(flagFile);
    expect(await ready('asked')).toBe(400);
    expect((await running).status).toBe(200);
    await server.logged(/Model 'asked_0_0' is not ready \(user-defined check failed\)\./u);
  });

  it('is asked once for all who want to know', async () => {
    writeFileSync(flagFile, '');
    const answers = await Promise.all(Array.from({ length: 50 }, () => ready('asked')));
    expect(new Set(answers)).toEqual(new Set([200]));
  });

  it('may be a coroutine', async () => {
    expect(await ready('awaited')).toBe(200);
    expect((await infer('awaited', 1)).status).toBe(200);
  });

  it.each([
    ['raising', /model 'raising' .* is not ready: ValueError: not today/iu],
    ['number', /model 'number' .* is not ready: is_ready\(\) must return a boolean value/iu],
  ])('that fails means not ready (%s)', async (model, text) => {
    expect(await ready(model)).toBe(400);
    await server.logged(text);
  });

  it('counts for the server as well', async () => {
    expect(await serverReady()).toBe(400);
    for (const model of ['raising', 'number', 'asked']) {
      await fetch(`${server.url}/v2/repository/models/${model}/unload`, { method: 'POST' });
    }
    await eventually(async () => (await serverReady()) === 200);
  });
});

it('a model is not ready while its worker starts again', async () => {
  expect(await ready('plain')).toBe(200);
  repository.write('plain/1/hold', '');
  await infer('plain', 7);
  expect([await ready('plain'), await serverReady()]).toEqual([400, 400]);
  repository.remove('plain/1/hold');
  await eventually(async () => (await ready('plain')) === 200);
  expect(await serverReady()).toBe(200);
});
