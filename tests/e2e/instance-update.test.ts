import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { addSubModel, ServerProcess } from '@nereid/test-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pythonRuntimeFlag } from './python-models.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

/** Writes a line for each instance that begins and ends, and waits as long as its input says. */
const countingModel = `import os, time
import triton_python_backend_utils as pb_utils
log = os.path.join(os.environ["COUNTS_FOLDER"], "instances")
def note(line):
    with open(log, "a") as file:
        file.write(line + "\\n")
class TritonPythonModel:
    def initialize(self, args):
        self.name = args["model_instance_name"]
        note("initialize " + self.name)
        note("cores " + str(len(os.sched_getaffinity(0))))
    def execute(self, requests):
        responses = []
        for request in requests:
            value = pb_utils.get_input_tensor_by_name(request, "INPUT0").as_numpy()
            note("execute")
            time.sleep(float(value[0]) / 1000)
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("OUTPUT0", value)]))
        return responses
    def finalize(self):
        note("finalize " + self.name)
`;

const groups = (text: string): string => `instance_group [ ${text} ]`;
const cpu = (count: number, more = ''): string => `{ count: ${count} kind: KIND_CPU ${more} }`;
const countingConfig = (instances: string): string =>
  identityConfig('INT32', groups(instances)).replace('identity', 'python');

const addConfig = (instances: string): string => `backend: "onnxruntime"
max_batch_size: 8
${groups(instances)}
dynamic_batching { }`;

let repository: TemporaryRepository;
let server: ServerProcess;

beforeEach(() => {
  repository = temporaryRepository({
    'counting/config.pbtxt': countingConfig(cpu(2)),
    'counting/1/model.py': countingModel,
    'add/config.pbtxt': addConfig(cpu(1)),
    'add/1/model.onnx': addSubModel('FLOAT', ['N', 4]),
    'same/config.pbtxt': identityConfig('INT32', groups(cpu(1))),
    'same/1/': '',
  });
});
afterEach(async () => {
  await server.stop();
  repository.remove();
});

async function start(...flags: string[]): Promise<void> {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--load-model=*',
      pythonRuntimeFlag(),
      ...flags,
    ],
    env: { COUNTS_FOLDER: repository.path },
  });
}

async function post(path: string, body: unknown): Promise<{ status: number; text: string }> {
  const reply = await fetch(`${server.url}/v2/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return { status: reply.status, text: await reply.text() };
}

/** What is looked at of a model's configuration. */
interface Configuration {
  readonly instance_group: [{ count: number; readonly kind: string }];
}

async function get<T>(path: string): Promise<T> {
  return (await fetch(`${server.url}/v2/models/${path}`)).json() as Promise<T>;
}

const configuration = (model: string): Promise<Configuration> => get(`${model}/config`);

async function load(model: string, parameters: object = {}): Promise<string> {
  return (await post(`repository/models/${model}/load`, { parameters })).text;
}

function inferCounting(waitMs = 0): Promise<{ status: number }> {
  const inputs = [{ name: 'INPUT0', datatype: 'INT32', shape: [1], data: [waitMs] }];
  return post('models/counting/infer', { inputs });
}

/** How many instances began and ended so far. */
function counts(...words: string[]): readonly number[] {
  const path = join(repository.path, 'instances');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  return (words.length > 0 ? words : ['initialize', 'finalize']).map(
    (word) => lines.filter((line) => line.startsWith(word)).length,
  );
}

/** Writes a configuration so that its time differs whatever the file system's grain is. */
const firstWriteMs = Date.now();
let writes = 0;
function configure(model: string, config: string): void {
  repository.write(`${model}/config.pbtxt`, config);
  const time = new Date(firstWriteMs - 1000 * ++writes);
  utimesSync(join(repository.path, model, 'config.pbtxt'), time, time);
}

describe('another instance_group', () => {
  it('makes and ends the instances that differ, of a Python model under load', async () => {
    await start();
    expect(counts()).toEqual([2, 0]);
    let stop = false;
    const clients = Array.from({ length: 4 }, async () => {
      while (!stop) expect((await inferCounting(1)).status).toBe(200);
    });
    const steps = [
      [cpu(3), [3, 0]],
      [cpu(1), [3, 2]],
      [`${cpu(1)}, ${cpu(1)}`, [4, 2]],
      [cpu(2, 'name: "renamed"'), [4, 2]],
      [cpu(0), [4, 3]],
    ] as const;
    for (const [instances, expected] of steps) {
      configure('counting', countingConfig(instances));
      expect(await load('counting')).toBe('');
      expect([instances, counts()]).toEqual([instances, expected]);
    }
    stop = true;
    await Promise.all(clients);
    expect(server.log).not.toContain('unloaded');
    const { instance_group } = await configuration('counting');
    expect(instance_group).toMatchObject([{ count: 1, kind: 'KIND_CPU' }]);
  });

  it('takes it from a load request too', async () => {
    await start();
    const config = await configuration('counting');
    config.instance_group[0].count = 3;
    expect(await load('counting', { config: JSON.stringify(config) })).toBe('');
    expect(counts()).toEqual([3, 0]);
  });

  it('lets a request end on an instance that goes, and others run beside it', async () => {
    await start();
    configure('counting', countingConfig(cpu(1)));
    const slow = [inferCounting(1500), inferCounting(1500)];
    await expect.poll(() => counts('execute')).toEqual([2]);
    const loaded = load('counting');
    expect((await inferCounting()).status).toBe(200);
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await loaded).toBe('');
    expect(counts()).toEqual([2, 1]);
  });

  it('keeps session and statistics of an ONNX model', async () => {
    await start();
    const inputs = ['INPUT0', 'INPUT1'].map((name) => ({
      name,
      datatype: 'FP32',
      shape: [1, 4],
      data: [1, 2, 3, 4],
    }));
    for (const instances of [cpu(1), cpu(3), cpu(2)]) {
      configure('add', addConfig(instances));
      expect(await load('add')).toBe('');
      expect((await post('models/add/infer', { inputs })).status).toBe(200);
    }
    const { model_stats } = await get<{ model_stats: unknown[] }>('add/stats');
    expect(model_stats).toMatchObject([{ inference_count: 3 }]);
    expect((await configuration('add')).instance_group[0].count).toBe(2);
    expect(server.log).not.toContain('unloaded');
  });

  it('may be of GPUs where there is none, with --allow-cpu-fallback', async () => {
    await start('--allow-cpu-fallback=true');
    configure('same', identityConfig('INT32', groups('{ kind: KIND_GPU count: 2 }')));
    expect(await load('same')).toBe('');
    expect((await configuration('same')).instance_group).toMatchObject([
      { count: 2, kind: 'KIND_CPU' },
    ]);
    await server.logged(/model 'same' asks for instances on a GPU/u);
    expect(server.log.match(/model 'same' asks for instances on a GPU/gu)).toHaveLength(1);
  });

  it('runs where its host policy says', async () => {
    await start('--host-policy=first,cpu-cores=0-0', '--host-policy=none,cpu-cores=9000-9001');
    const cores = () =>
      readFileSync(join(repository.path, 'instances'), 'utf8').match(/^cores \d+$/gmu) ?? [];
    const unbound = cores();
    if (availableParallelism() > 1) expect(unbound).not.toContain('cores 1');
    configure('counting', countingConfig(`${cpu(1, 'host_policy: "first"')}, ${cpu(1)}`));
    expect(await load('counting')).toBe('');
    expect(cores()).toEqual([...unbound, 'cores 1']);
    configure('counting', countingConfig(cpu(1, 'host_policy: "none"')));
    expect(await load('counting')).toContain('version 1 is at READY state');
    await server.logged(/host policy: unable to bind to the cores 9000-9001/u);
    expect((await inferCounting()).status).toBe(200);
  });

  it('is refused where it cannot be; the old one goes on', async () => {
    await start();
    configure('same', identityConfig('INT32', groups('{ kind: KIND_GPU }')));
    expect(await load('same')).toContain(
      'version 1 is at READY state: Invalid argument: instance group same_0 of model same has kind KIND_GPU but no GPUs are available;',
    );
    configure('counting', countingConfig('{ count: nonsense }'));
    expect(await load('counting')).toContain('failed to load');
    expect([(await inferCounting()).status, counts()]).toEqual([200, [2, 0]]);
  });

  it('is no reason to leave other changes out: those load the model anew', async () => {
    await start();
    writeFileSync(join(repository.path, 'counting/1/model.py'), `${countingModel}# changed\n`);
    configure('counting', countingConfig(cpu(3)));
    expect(await load('counting')).toBe('');
    await server.logged(/successfully unloaded 'counting' version 1/u);
    expect(counts()).toEqual([5, 2]);
  });

  it('leaves the version that serves alone when another one comes', async () => {
    await start();
    repository.write('counting/2/model.py', countingModel);
    configure('counting', `${countingConfig(cpu(2))}\nversion_policy { all { } }`);
    expect(await load('counting')).toBe('');
    expect(counts()).toEqual([4, 0]);
    rmSync(join(repository.path, 'counting/2'), { recursive: true });
    expect(await load('counting')).toBe('');
    await server.logged(/successfully unloaded 'counting' version 2/u);
    expect(counts()).toEqual([4, 2]);
  });

  it('keeps to the resources of the rate limiter', async () => {
    await start('--rate-limit=execution_count', '--rate-limit-resource=R:4');
    const resources = (count: number): string =>
      `rate_limiter { resources [ { name: "R" count: ${count} } ] }`;
    for (const [instances, expected] of [
      [cpu(2, resources(2)), [4, 2]],
      [cpu(3, resources(2)), [5, 2]],
      [cpu(1, resources(2)), [5, 4]],
    ] as const) {
      configure('counting', countingConfig(instances));
      expect(await load('counting')).toBe('');
      expect(counts()).toEqual(expected);
      const requests = Array.from({ length: 6 }, () => inferCounting(1));
      for (const { status } of await Promise.all(requests)) expect(status).toBe(200);
    }
    configure('counting', countingConfig(cpu(1, resources(5))));
    expect(await load('counting')).toContain('Resource count for \\"R\\" is limited to 4 which');
    expect((await inferCounting()).status).toBe(200);
  });
});
