import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GrpcClient, HttpClient, tensor } from '@nereid/client';
import { eventually, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { checkout } from './checkout.ts';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import { modelFiles, temporaryRepository } from './temporary-repository.ts';
import { control as controlModel, expectIncremented, inferData } from './vector-inference.ts';

const environment = dirname(dirname(ensurePythonEnv()));

const models: Record<string, readonly [config: string, code: string]> = {
  double: [pythonConfig(), pythonModel('y = x * 2')],
  sends_twice: [
    pythonConfig(),
    pythonModel(`sender = r.get_response_sender()
for _ in range(2):
    sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("Y", x)]))`),
  ],
  life: [
    pythonConfig(),
    pythonModel(
      '',
      `
    def initialize(self, args):
        assert all(isinstance(value, str) for value in args.values())
        config = json.loads(args["model_config"])
        assert config["name"] == args["model_name"] == "life"
        assert pb_utils.get_model_dir() == os.path.dirname(__file__)
        pb_utils.Logger.log_warn("initialized " + args["model_instance_name"])

    def finalize(self):
        print("finalized")
`,
    ),
  ],
  keeper: [
    pythonConfig(),
    pythonModel(
      'self.kept.append((x, x.copy()))\nassert all((a == b).all() for a, b in self.kept)\ny = x + 1',
      '\n    def initialize(self, args):\n        self.kept = []\n',
    ),
  ],
  env: [
    pythonConfig(
      `parameters { key: "EXECUTION_ENV_PATH" value { string_value: "${environment}" } }`,
    ),
    pythonModel('print("prefix " + sys.prefix)'),
  ],
  again: [pythonConfig(), pythonModel('r.set_release_flags(2)\nresponses.append(None)\ncontinue')],
  again_answered: [pythonConfig(), pythonModel('r.set_release_flags(2)')],
  counts_down: [
    pythonConfig(
      'model_transaction_policy { decoupled: true } sequence_batching { iterative_sequence: true }',
    ),
    `import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.left = None

    def execute(self, requests):
        for r in requests:
            self.left = (int(r.inputs()[0].as_numpy()[0]) if self.left is None else self.left) - 1
            answer = pb_utils.InferenceResponse([pb_utils.Tensor("Y", np.array([self.left], dtype=np.int32))])
            last = self.left == 0
            if not last:
                r.set_release_flags(pb_utils.TRITONSERVER_REQUEST_RELEASE_RESCHEDULE)
            r.get_response_sender().send(answer, pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL if last else 0)
            if last:
                self.left = None
`,
  ],
  second_time: [
    pythonConfig('sequence_batching { iterative_sequence: true }'),
    pythonModel(
      `self.count += 1
if self.count % 2 == 1:
    r.set_release_flags(pb_utils.TRITONSERVER_REQUEST_RELEASE_RESCHEDULE)
    responses.append(None)
    continue
y = x * 10 + self.count`,
      '\n    def initialize(self, args):\n        self.count = 0\n',
    ),
  ],
  all_optional: [
    `backend: "python" max_batch_size: 4
input [ { name: "X" data_type: TYPE_INT32 dims: [ -1 ] optional: true } ]
output [ { name: "Y" data_type: TYPE_INT32 dims: [ -1 ] } ]`,
    pythonModel('raise ValueError("not to be executed")'),
  ],
  hang_initialize: [
    pythonConfig(),
    pythonModel('', '\n    def initialize(self, args):\n        time.sleep(1000)\n'),
  ],
  hang_finalize: [
    pythonConfig(),
    pythonModel('', '\n    def finalize(self):\n        time.sleep(1000)\n'),
  ],
  'semi;colon': [pythonConfig(), pythonModel('')],
  auto_wrong: [
    'backend: "python"',
    pythonModel(
      '',
      '\n    @staticmethod\n    def auto_complete_config(config):\n        return 5\n',
    ),
  ],
};

const repository = temporaryRepository(
  modelFiles(models, ([config, code]) => ({ 'config.pbtxt': config, '1/model.py': code })),
);
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--strict-readiness=false',
      '--load-model=double',
      pythonRuntimeFlag(),
    ],
  });
});

afterAll(async () => {
  const { status } = await server.stop();
  repository.remove();
  expect(status).toBe(0);
});

const control = (name: string, verb: 'load' | 'unload'): Promise<string> =>
  controlModel(server.url, name, verb);

const infer = (name: string, data: readonly number[]): Promise<unknown> =>
  inferData(server.url, name, data);

describe('a request that leaves out every input, where all are optional', () => {
  it('is refused by a model that batches, as by Triton: its size is that of its inputs', async () => {
    await control('all_optional', 'load');
    const ask = async (id: string): Promise<unknown> => {
      const url = `${server.url}/v2/models/all_optional/infer`;
      const body = JSON.stringify({ id, inputs: [] });
      const answer = await fetch(url, { method: 'POST', body });
      return [answer.status, await answer.json()];
    };
    const error = 'out of bounds index 0: request has 0 inputs';
    expect(await ask('')).toEqual([400, { error: `[request id: <id_unknown>] ${error}` }]);
    expect(await ask('seven')).toEqual([400, { error: `[request id: seven] ${error}` }]);
  });
});

describe('a request that is given back', () => {
  it('is executed again, by models with iterative sequences', async () => {
    expect(await control('counts_down', 'load')).toBe('');
    for (const count of [4, 1, 3]) {
      const answer = await fetch(`${server.url}/v2/models/counts_down/generate_stream`, {
        method: 'POST',
        body: JSON.stringify({ X: count }),
      });
      const values = [...(await answer.text()).matchAll(/"Y":(\d+)/gu)].map(([, y]) => Number(y));
      expect(values).toEqual(Array.from({ length: count }, (_, index) => count - 1 - index));
    }
    expect(await control('second_time', 'load')).toBe('');
    expect([await infer('second_time', [1]), await infer('second_time', [2])]).toEqual([
      [12],
      [24],
    ]);
  });

  it.each([
    ['again', 'while the model is not configured to handle such a flag.'],
    ['again_answered', 'Expected a None object in the execute function return list for reschduled'],
  ])('is answered where it cannot be executed again (%s)', async (name, text) => {
    expect(await control(name, 'load')).toBe('');
    expect(await infer(name, [1])).toContain(text);
    await control(name, 'unload');
  });
});

describe('a model that has one answer to give', () => {
  it('has given it, though it fails afterwards, as in Triton', async () => {
    expect(await control('sends_twice', 'load')).toBe('');
    expect(await infer('sends_twice', [6])).toEqual([6]);
  });
});

describe('the life of a model', () => {
  it('is given its arguments, logs, and is told of its end', async () => {
    expect(await control('life', 'load')).toBe('');
    await server.logged(/W\d+ .*\[life_0_0\] initialized life_0_0/u);
    await control('life', 'unload');
    await server.logged(/\[life_0_0\] finalized/u);
  });

  it('uses the environment that the model names', async () => {
    expect(await control('env', 'load')).toBe('');
    await infer('env', [1]);
    await server.logged(new RegExp(`prefix ${environment}`, 'u'));
  });

  it.each([
    ['semi;colon', 'Invalid stub name: contains invalid characters'],
    ['auto_wrong', 'must return a valid pb.ModelConfig object.'],
  ])('says why it did not load (%s)', async (name, text) => {
    expect(await control(name, 'load')).toContain(text);
  });
});

describe('a model that hangs', () => {
  it('is given up, in its beginning and in its end', async () => {
    const impatient = await ServerProcess.start({
      flags: [
        `--model-repository=${repository.path}`,
        '--model-control-mode=explicit',
        pythonRuntimeFlag(),
        '--backend-config=python,stub-timeout-seconds=1',
        '--backend-config=python,initialize-timeout-seconds=1',
      ],
    });
    const load = (model: string): Promise<string> => controlModel(impatient.url, model, 'load');
    // On a busy machine a second may be over in another step: then once more.
    const late = 'Failed to initialize model instance hang_initialize_0_0 within 1 seconds';
    await eventually(async () => (await load('hang_initialize')).includes(late));
    await eventually(async () => (await load('hang_finalize')) === '');
    await controlModel(impatient.url, 'hang_finalize', 'unload');
    await impatient.logged(/\[hang_finalize_0_0\] did not finalize: Timed out/u);
    expect((await impatient.stop()).status).toBe(0);
  });
});

describe('large tensors', () => {
  it('are never mixed up, though the memory of answers is used again', async () => {
    const clients = [
      new HttpClient(server.url),
      new HttpClient(server.url),
      new GrpcClient(`127.0.0.1:${server.grpcPort}`),
      new GrpcClient(`127.0.0.1:${server.grpcPort}`),
    ];
    await Promise.all(
      clients.map(async (client, number) => {
        for (let round = 0; round < 8; round++) {
          const count = 100_000 + 30_000 * ((number + round) % 3);
          const data = new Int32Array(count).fill(number * 100 + round);
          const result = await client.infer('double', { X: tensor('INT32', [count], data) });
          const { data: doubled } = result.output('Y', 'INT32');
          expect(doubled.length).toBe(count);
          expect(doubled.every((value) => value === (number * 100 + round) * 2)).toBe(true);
        }
        await client.close();
      }),
    );
  });

  it('are right on every way, also while the model keeps earlier ones', async () => {
    await control('keeper', 'load');
    // Through the socket, in shared memory, and too large for that.
    for (const count of [10, 16_384, 100_000, 4_300_000, 100_000, 5]) {
      await expectIncremented(server.url, 'keeper', count);
    }
    await control('keeper', 'unload');
  });
});

describe('an interpreter that cannot run the worker', () => {
  it.each([
    ['/nowhere/python3', /ENOENT/u],
    ['/bin/false', /status 1/u],
  ])('is named (%s)', async (python, text) => {
    const other = await ServerProcess.start({
      flags: [
        `--model-repository=${repository.path}`,
        '--model-control-mode=explicit',
        '--load-model=double',
        '--exit-on-error=false',
        '--strict-readiness=false',
        `--backend-config=python,python-runtime=${python}`,
      ],
    });
    const index = await fetch(`${other.url}/v2/repository/index`, { method: 'POST' });
    const rows = (await index.json()) as { name: string; reason?: string }[];
    const reason = rows.find(({ name }) => name === 'double')?.reason ?? '';
    expect(reason).toContain(`stub process exited unexpectedly: double_0_0 (${python}, `);
    expect(reason).toMatch(text);
    await other.stop();
  });
});

describe('the worker itself', () => {
  it('passes its own tests', () => {
    const folder = join(checkout, 'python', 'tests');
    const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--tb=short', folder];
    const { status, stdout, stderr } = spawnSync(ensurePythonEnv(), args, { encoding: 'utf8' });
    expect(`${stdout}${stderr}`).toMatch(/\d+ passed/u);
    expect(status).toBe(0);
  });

  it('travels with the package', () => {
    const packed = join(checkout, 'packages', 'server', 'dist', 'python');
    for (const file of ['nereid_worker/__main__.py', 'triton_python_backend_utils.py']) {
      expect(existsSync(join(packed, file))).toBe(true);
    }
  });
});
