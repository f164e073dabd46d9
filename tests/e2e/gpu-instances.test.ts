import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addSubModel, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildFakeCuda, fakeCuda } from './fake-cuda.ts';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const uuid = 'GPU-00112233-4455-6677-8899-aabbccddeeff';
const group = (text: string): string => `instance_group [ { ${text} } ]`;

/** Says which kind of instance and which device it was told that it is. */
const placeModel = pythonModel(
  'y = np.array([self.place], dtype=np.int32)',
  `
    def initialize(self, args):
        self.place = int(args["model_instance_device_id"]) + (100 if args["model_instance_kind"] == "GPU" else 0)
`,
);

describe.skipIf(!fakeCuda.usable)(`on a machine with a GPU${fakeCuda.reason}`, () => {
  let library: string;
  let repository: TemporaryRepository;
  let server: ServerProcess;

  const start = (...flags: string[]): Promise<ServerProcess> =>
    ServerProcess.start({
      flags: [
        `--model-repository=${repository.path}`,
        '--strict-readiness=false',
        '--exit-on-error=false',
        pythonRuntimeFlag(),
        ...flags,
      ],
      env: { LD_LIBRARY_PATH: library },
    });

  beforeAll(async () => {
    library = mkdtempSync(join(tmpdir(), 'nereid-cuda-'));
    buildFakeCuda(library);
    repository = temporaryRepository({
      'auto/config.pbtxt': identityConfig('INT32'),
      'auto/1/': '',
      'many/config.pbtxt': identityConfig('INT32', group('count: 3 kind: KIND_GPU')),
      'many/1/': '',
      'cpu/config.pbtxt': identityConfig('INT32', group('kind: KIND_CPU')),
      'cpu/1/': '',
      'absent/config.pbtxt': identityConfig('INT32', group('gpus: [ 3 ]')),
      'absent/1/': '',
      'wrong/config.pbtxt': identityConfig('INT32', group('kind: KIND_GPU gpus: [ 0, 3 ]')),
      'wrong/1/': '',
      'python/config.pbtxt': pythonConfig().replace(/instance_group.*\n/u, ''),
      'python/1/model.py': placeModel,
      'onnx/1/model.onnx': addSubModel('INT32', ['N', 2]),
    });
    server = await start();
  });

  afterAll(async () => {
    await server?.stop();
    repository?.remove();
    rmSync(library, { recursive: true, force: true });
  });

  const groups = async (model: string, of = server): Promise<unknown> => {
    const config = await (await fetch(`${of.url}/v2/models/${model}/config`)).json();
    return (
      config as { instance_group: { kind: string; count: number; gpus: number[] }[] }
    ).instance_group.map(({ kind, count, gpus }) => [kind, count, gpus]);
  };

  const infer = async (model: string, input = 'INPUT0'): Promise<unknown> => {
    const inputs = [{ name: input, shape: [1], datatype: 'INT32', data: [5] }];
    const url = `${server.url}/v2/models/${model}/infer`;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ inputs }) });
    return ((await answer.json()) as { outputs: { data: unknown }[] }).outputs[0]?.data;
  };

  it('instances go to it unless they are said to be on the CPU', async () => {
    expect(await groups('auto')).toEqual([['KIND_GPU', 1, [0]]]);
    expect(await groups('many')).toEqual([['KIND_GPU', 3, [0]]]);
    expect(await groups('cpu')).toEqual([['KIND_CPU', 1, []]]);
    expect(await groups('python')).toEqual([['KIND_GPU', 1, [0]]]);
    expect(await infer('python', 'X')).toEqual([100]);
  });

  it('those of ONNX Runtime stay on the CPU where it has nothing to use a GPU with', async () => {
    expect(await groups('onnx')).toEqual([['KIND_CPU', 2, []]]);
  });

  it('GPUs that are not there are refused in Triton’s words', async () => {
    const index = await (
      await fetch(`${server.url}/v2/repository/index`, { method: 'POST' })
    ).json();
    const reasons = (index as { name: string; reason?: string }[]).flatMap(
      ({ name, reason = '' }) => (reason === '' ? [] : [[name, reason]]),
    );
    expect(reasons).toEqual([
      [
        'absent',
        expect.stringContaining(
          'instance group absent_0 of model absent has kind KIND_CPU but specifies one or more GPUs',
        ),
      ],
      [
        'wrong',
        expect.stringContaining(
          'instance group wrong_0 of model wrong specifies invalid or unsupported gpu id 3. GPUs with at least the minimum required CUDA compute compatibility of 6.000000 are: 0',
        ),
      ],
    ]);
  });

  it('metrics of what it executes name it', async () => {
    for (let i = 0; i < 4; i++) await infer('many');
    await infer('cpu');
    const page = await (await fetch(server.metricsUrl as string)).text();
    const count = (labels: string): string | undefined =>
      page
        .split('\n')
        .find((line) => line.startsWith(`nv_inference_request_success{${labels}}`))
        ?.split(' ')[1];
    expect(count(`gpu_uuid="${uuid}",model="many",version="1"`)).toBe('4');
    expect(count('model="many",version="1"')).toBe('0');
    expect(count('model="cpu",version="1"')).toBe('1');
    expect(count(`gpu_uuid="${uuid}",model="cpu",version="1"`)).toBeUndefined();
  });

  it('may be too old, or not to be told of', async () => {
    const other = await start(
      '--min-supported-compute-capability=9.0',
      '--model-control-mode=explicit',
      '--load-model=auto',
      '--load-model=many',
    );
    expect(other.log).toContain(`GPU 0 (${uuid}) is not used: its compute capability 8.6 is below`);
    expect(await groups('auto', other)).toEqual([['KIND_CPU', 1, []]]);
    expect(other.log).toContain('has kind KIND_GPU but no GPUs are available');
    await other.stop();
  });
});
