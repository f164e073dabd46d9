import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenOf, eventually, isAlive, ServerProcess } from '@nereid/test-kit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from '../e2e/python-models.ts';
import { modelFiles, temporaryRepository } from '../e2e/temporary-repository.ts';
import { control, inferJson } from '../e2e/vector-inference.ts';

const gates = mkdtempSync(join(tmpdir(), 'nereid-gates-'));
/** While this is missing, 6 and 7 hold the models that wait up. */
const gate = join(gates, 'open');
/** Is there when one of them waits. */
const waiting = join(gates, 'waiting');
const waits = `if x[0] in (6, 7): open(${JSON.stringify(waiting)}, "w").close()
while x[0] in (6, 7) and not os.path.exists(${JSON.stringify(gate)}): time.sleep(0.002)
if x[0] == 6: os._exit(9)`;

const models: Record<string, string> = {
  waits: pythonModel(
    `${waits}\nseen.append(int(x[0])); y = np.array(seen, dtype=np.int32)`,
    '\nseen = []\n',
  ),
  exit: pythonModel('if x[0] == 7: os._exit(9)'),
  dies_twice: pythonModel('if x[0] == 7: os._exit(9)'),
  segfault: pythonModel('if x[0] == 7: ctypes.string_at(0)'),
  kill: pythonModel('if x[0] == 7: os.kill(os.getpid(), 9)'),
  sysexit: pythonModel('if x[0] == 7: sys.exit(3)'),
  loop: pythonModel('if x[0] == 7: print("begun", flush=True)\nwhile x[0] == 7: pass'),
  noise: pythonModel(
    'print("hello from the model"); print("bad news", file=sys.stderr); os.write(1, bytes(range(256)))',
  ),
  flood: pythonModel('for _ in range(1280): sys.stdout.write("z" * 8191 + "\\n")'),
  recursion: pythonModel('f = lambda n: f(n + 1)\nif x[0] == 7: f(0)'),
  memory: pythonModel('if x[0] == 7: np.empty(1 << 50, dtype=np.uint8)'),
  socket_noise: pythonModel('if x[0] == 7: os.write(3, b"\\xff" * 64)'),
  huge: pythonModel('if x[0] == 7: y = np.zeros(10 << 30, dtype=np.uint8)'),
  wrong_type: pythonModel('y = x.astype(np.float64)'),
  wrong_shape: pythonModel('y = np.stack([x, x])'),
  wrong_name: pythonModel(
    'y = x\nresponses.append(pb_utils.InferenceResponse([pb_utils.Tensor("Q", y)])); continue',
  ),
  complex: pythonModel('y = x.astype(np.complex64)'),
  one_too_many: pythonModel('responses.append(None)'),
  none: `class TritonPythonModel:
    def execute(self, requests):
        return None
`,
  self_call:
    pythonModel(`out = pb_utils.InferenceRequest(model_name="self_call", requested_output_names=["Y"],
    inputs=[pb_utils.Tensor("X", x)]).exec()
if out.has_error(): raise ValueError(out.error().message())`),
  child: pythonModel(
    'import subprocess; y = np.array([subprocess.Popen(["sleep", "600"]).pid], dtype=np.int32)',
  ),
};

const repository = temporaryRepository(
  modelFiles(models, (code) => ({ 'config.pbtxt': pythonConfig(), '1/model.py': code })),
);
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--strict-readiness=false',
      pythonRuntimeFlag(),
    ],
  });
});

afterAll(async () => {
  const workers = childrenOf(server.pid);
  const { status } = await server.stop();
  expect(workers.filter(isAlive)).toEqual([]);
  repository.remove();
  rmSync(gates, { recursive: true });
  expect(status).toBe(0);
});

async function load(name: string): Promise<void> {
  expect(await control(server.url, name, 'load')).toBe('');
}

const unload = (name: string): Promise<string> => control(server.url, name, 'unload');

const infer = (name: string, x: number, signal?: AbortSignal) =>
  inferJson(server.url, name, [x], signal === undefined ? {} : { signal });

/** The times of the lines of the log about the worker of `dies_twice` that say this. */
function loggedMs(text: string): readonly number[] {
  const lines = server.log.split('\n').filter((line) => line.includes(`'dies_twice_0_0' ${text}`));
  return lines.map((line) => {
    const [, hours, minutes, seconds] = /^\w\d+ (\d+):(\d+):([\d.]+)/u.exec(line) ?? [];
    return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  });
}

describe('workers that end', () => {
  it.each(['exit', 'segfault', 'kill', 'socket_noise'])(
    'fails the request and starts again (%s)',
    async (name) => {
      await load(name);
      expect((await infer(name, 1)).data).toEqual([1]);
      const dead = await infer(name, 7);
      expect([dead.status, dead.error]).toEqual([
        500,
        `Stub process '${name}_0_0' is not healthy.`,
      ]);
      expect((await infer(name, 2)).data).toEqual([2]);
      await unload(name);
    },
  );

  it('waits before it starts one again that keeps dying', async () => {
    await load('dies_twice');
    for (let death = 1; death <= 2; death++) {
      await infer('dies_twice', 7);
      await eventually(async () => (await infer('dies_twice', 1)).status === 200);
    }
    // The answer may be here before the line that was written before it.
    await eventually(() => loggedMs('has been restarted').length === 2);
    const [died, restarted] = ['has ended', 'has been restarted'].map((text) => loggedMs(text)[1]);
    expect((restarted as number) - (died as number)).toBeGreaterThanOrEqual(100);
    await unload('dies_twice');
  });

  it.each([
    ['sysexit', 'SystemExit: 3'],
    ['recursion', 'RecursionError: maximum recursion depth exceeded'],
    ['memory', 'Unable to allocate'],
    ['huge', 'the tensors take 10737418240 bytes, at most 4294967295 are possible'],
  ])('takes exceptions of every kind for errors of the model (%s)', async (name, text) => {
    await load(name);
    const failed = await infer(name, 7);
    expect(failed.status).toBe(500);
    expect(failed.error).toContain(text);
    expect((await infer(name, 1)).data).toEqual([1]);
    await unload(name);
  });
});

describe('requests that a worker has while it runs another', () => {
  /** The value of a metric of the model, over all its labels but its version. */
  async function metric(line: string): Promise<number> {
    const text = await (await fetch(server.metricsUrl as string)).text();
    const found = text.split('\n').find((candidate) => candidate.startsWith(line));
    return Number(found?.split(' ').at(-1) ?? 0);
  }
  const pending = (count: number) =>
    eventually(
      async () => (await metric('nv_inference_pending_request_count{model="waits"')) === count,
    );
  const cancelled = (count: number) =>
    eventually(
      async () =>
        (await metric('nv_inference_request_failure{model="waits",reason="CANCELED"')) === count,
    );

  beforeEach(() => load('waits'));
  afterEach(async () => {
    for (const path of [gate, waiting]) rmSync(path);
    await unload('waits');
  });

  it('are not executed when they are cancelled', async () => {
    const first = infer('waits', 7);
    await eventually(() => existsSync(waiting));
    const abort = new AbortController();
    const given = infer('waits', 8, abort.signal).catch(() => null);
    await pending(1);
    abort.abort();
    expect(await given).toBe(null);
    await cancelled(1);
    const last = infer('waits', 9);
    await pending(2);
    writeFileSync(gate, '');
    expect((await first).data).toEqual([7]);
    expect((await last).data).toEqual([7, 9]);
  });

  it('go to the next worker when theirs dies', async () => {
    const dead = infer('waits', 6);
    await eventually(() => existsSync(waiting));
    const others: ReturnType<typeof infer>[] = [];
    for (const x of [1, 2, 3, 4, 5]) {
      others.push(infer('waits', x));
      await pending(others.length);
    }
    writeFileSync(gate, '');
    expect((await dead).error).toBe("Stub process 'waits_0_0' is not healthy.");
    const answers = await Promise.all(others);
    expect(answers.map(({ data }) => data)).toEqual([
      [1],
      [1, 2],
      [1, 2, 3],
      [1, 2, 3, 4],
      [1, 2, 3, 4, 5],
    ]);
  });
});

describe('output of models', () => {
  it('comes into the log line by line, whatever it is', async () => {
    await load('noise');
    expect((await infer('noise', 1)).status).toBe(200);
    await server.logged(/\[noise_0_0\] hello from the model/u);
    await server.logged(/\[noise_0_0\] bad news/u);
    await unload('noise');
  });

  it('is cut where a log could not bear it', async () => {
    const before = server.log.length;
    await load('flood');
    expect((await infer('flood', 1)).data).toEqual([1]);
    await server.logged(/\[flood_0_0\] … \d+ bytes of output were left out/u);
    expect(server.log.length - before).toBeLessThan(2_000_000);
    await unload('flood');
  });
});

describe('results that are not what was promised', () => {
  it('passes types and shapes on as the model gave them, as Triton does', async () => {
    await load('wrong_type');
    await load('wrong_shape');
    expect(await infer('wrong_type', 3)).toMatchObject({ datatype: 'FP64', data: [3] });
    expect(await infer('wrong_shape', 3)).toMatchObject({ shape: [2, 1], data: [3, 3] });
    await unload('wrong_type');
    await unload('wrong_shape');
  });

  it.each([
    ['complex', "Tensor 'Y' has numpy type 'complex64', which is no data type of Triton."],
    ['one_too_many', 'InferenceRequest(s) size is:1, and InferenceResponse(s) size is:2'],
    ['none', 'returned None for a request and did not take its response sender'],
    ['self_call', "model 'self_call' would wait for itself"],
  ])('says what is wrong (%s)', async (name, text) => {
    await load(name);
    const failed = await infer(name, 3);
    expect(failed.status).toBe(500);
    expect(failed.error).toContain(`for model '${name}_0_0'`);
    expect(failed.error).toContain(text);
    await unload(name);
  });

  it('leaves an output out that the model did not give', async () => {
    await load('wrong_name');
    expect(await infer('wrong_name', 3)).toMatchObject({ status: 200, data: [] });
    await unload('wrong_name');
  });
});

describe('processes', () => {
  it('leaves none behind', async () => {
    await eventually(() => childrenOf(server.pid).length === 0);
    for (let round = 0; round < 3; round++) {
      await load('noise');
      expect(childrenOf(server.pid)).toHaveLength(1);
      await unload('noise');
      await eventually(() => childrenOf(server.pid).length === 0);
    }
  });

  it('does not wait for what a model has started', async () => {
    await load('child');
    const child = (await infer('child', 1)).data[0] as number;
    const [worker] = childrenOf(server.pid);
    await unload('child');
    await eventually(() => !isAlive(worker as number));
    process.kill(child, 'SIGKILL');
  });
});

describe('a worker in an endless loop', () => {
  let impatient: ServerProcess;
  beforeAll(async () => {
    impatient = await ServerProcess.start({
      flags: [
        `--model-repository=${repository.path}`,
        '--model-control-mode=explicit',
        pythonRuntimeFlag(),
        '--backend-config=python,stub-timeout-seconds=1',
      ],
    });
  });
  afterAll(() => impatient?.signal('SIGKILL'));

  /** Resolves when the loop has begun. @returns the worker, and the request that is never answered */
  async function begin(signal?: AbortSignal) {
    // On a busy machine a worker may take longer than a second to start, and is given up.
    await eventually(async () => (await control(impatient.url, 'loop', 'load')) === '');
    const before = begun();
    const options = signal === undefined ? {} : { signal };
    const request = inferJson(impatient.url, 'loop', [7], options).catch(() => 'gone');
    await eventually(() => begun() > before);
    const workers = childrenOf(impatient.pid);
    expect(workers).toHaveLength(1);
    return { worker: workers[0] as number, request };
  }
  const begun = (): number => impatient.log.match(/\[loop_0_0\] begun/gu)?.length ?? 0;

  it('is got rid of with its model', async () => {
    const leaver = new AbortController();
    const { worker, request } = await begin(leaver.signal);
    leaver.abort();
    expect(await request).toBe('gone');
    await control(impatient.url, 'loop', 'unload');
    await eventually(() => !isAlive(worker));
  });

  it('ends when the server is killed', async () => {
    const { worker, request } = await begin();
    impatient.signal('SIGKILL');
    expect(await request).toBe('gone');
    await eventually(() => !isAlive(worker));
  });
});
