import { eventually, residentBytes, ServerProcess, threadCount } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { javascriptConfig, javascriptModel } from '../e2e/javascript-models.ts';
import { modelFiles, temporaryRepository } from '../e2e/temporary-repository.ts';
import { control, inferJson } from '../e2e/vector-inference.ts';

const answer = (outputs: string): string =>
  `export const execute = (requests) => requests.map((request) => { const x = request.input('X').data; return ${outputs}; });`;
const output = (rest: string): string => answer(`{ outputs: [{ name: 'Y', ${rest} }] }`);

const models: Record<string, string> = {
  exit: javascriptModel('if (x[0] === 7) process.exit(9);'),
  throws: javascriptModel(
    "if (x[0] === 7) { setTimeout(() => { throw new Error('out of the blue'); }); await new Promise(() => {}); }",
  ),
  rejects: javascriptModel(
    "if (x[0] === 7) { void Promise.reject(new Error('nobody listens')); await new Promise(() => {}); }",
  ),
  heap: javascriptModel(
    "if (x[0] === 7) { const all = []; for (;;) all.push({ a: [Math.random()], b: 'x' + all.length }); }",
  ),
  // What a thread in a loop writes by its console never comes out.
  loop: `import { writeSync } from 'node:fs';
${javascriptModel("if (x[0] === 7) writeSync(1, 'the loop has begun\\n'); while (x[0] === 7);")}`,
  recursion: javascriptModel('const f = () => f() + 1; if (x[0] === 7) f();'),
  memory: javascriptModel('if (x[0] === 7) new Float64Array(2 ** 52);'),
  noise: javascriptModel(
    "console.log('hello from the %s', 'model'); console.error('bad news'); process.stdout.write(Uint8Array.from({ length: 256 }, (_, i) => i));",
  ),
  flood: javascriptModel("for (let i = 0; i < 400_000; i++) console.log('z'.repeat(4000));"),
  garbage: javascriptModel(
    "const { parentPort, workerData } = await import('node:worker_threads'); parentPort.postMessage({ kind: 'result', batch: 1 }); y = [workerData.port === undefined];",
  ),
  wrong_type: output("data: new Float64Array(x), dataType: 'FP64'"),
  wrong_array: output("data: new Float64Array(x), dataType: 'INT32'"),
  no_type: output("data: x, dataType: 'INT7'"),
  wrong_shape: output('data: x, shape: [x.length, 2]'),
  wrong_rank: output('data: x, shape: [1, x.length]'),
  wrong_name: answer("{ outputs: [{ name: 'Q', data: x }] }"),
  missing: answer('{ outputs: [] }'),
  twice: answer("{ outputs: [{ name: 'Y', data: x }, { name: 'Y', data: x }] }"),
  no_data: output('data: undefined'),
  text_data: output("data: ['one']"),
  nothing: answer('undefined'),
  not_a_list: 'export const execute = () => {};',
  one_too_many:
    'export const execute = (requests) => [...requests, 1].map(() => ({ outputs: [] }));',
  huge: output('data: new Int32Array(2 ** 30)'),
  odd_parameter: answer("{ outputs: [{ name: 'Y', data: x }], parameters: { a: [] } }"),
  exit_initialize: javascriptModel('', 'export const initialize = () => process.exit(4);'),
  throw_initialize: javascriptModel(
    '',
    "export async function initialize() { throw new RangeError('no luck'); }",
  ),
  throw_import: "throw new Error('not today');",
  hang_initialize: javascriptModel('', 'export function initialize() { for (;;); }'),
  hang_finalize: javascriptModel('', 'export const finalize = () => new Promise(() => {});'),
  no_model: 'export const excute = 1;',
  auto_wrong: javascriptModel('', 'export const autoCompleteConfig = () => 5;'),
  // Once it has died, it does so as soon as it is there, until the file is gone.
  keeps_dying: `import { existsSync, writeFileSync } from 'node:fs';
const died = new URL('died', import.meta.url);
if (existsSync(died)) process.exit(1);
${javascriptModel("if (x[0] === 7) { writeFileSync(died, ''); process.exit(1); }")}`,
  never_settles: javascriptModel(
    "if (x[0] === 7) { console.log('begun'); await new Promise(() => {}); }",
  ),
};

const small = 'parameters { key: "max_heap_megabytes" value { string_value: "64" } }';
const repository = temporaryRepository({
  ...modelFiles(models, (code, name) => ({
    'config.pbtxt': javascriptConfig(name === 'heap' ? small : ''),
    '1/model.js': code,
  })),
  'bad_setting/config.pbtxt': javascriptConfig(small.replace('64', 'lots')),
  'bad_setting/1/model.js': javascriptModel(''),
  'no_file/config.pbtxt': javascriptConfig(),
  'no_file/1/other.js': '',
});
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--strict-readiness=false',
      '--backend-config=javascript,finalize-timeout-seconds=1',
    ],
  });
});

afterAll(async () => {
  const { status } = await server.stop();
  repository.remove();
  expect(status).toBe(0);
});

const infer = (model: string, x: number, signal?: AbortSignal) =>
  inferJson(server.url, model, [x], signal === undefined ? {} : { signal });
const load = async (model: string): Promise<void> =>
  expect(await control(server.url, model, 'load')).toBe('');
const unload = (model: string): Promise<string> => control(server.url, model, 'unload');
const ready = async (model: string): Promise<boolean> =>
  (await fetch(`${server.url}/v2/models/${model}/ready`)).ok;

describe('a thread that ends', () => {
  it.each([
    ['exit', 'it ended by itself with status 9'],
    ['throws', 'it threw outside of a request: Error: out of the blue'],
    ['rejects', 'it threw outside of a request: Error: nobody listens'],
    ['heap', 'its heap is full (max_heap_megabytes is the limit)'],
  ])('fails its own request and is started again (%s)', async (name, reason) => {
    await load('noise');
    await load(name);
    expect((await infer(name, 1)).data).toEqual([1]);
    const failed = await infer(name, 7);
    expect(failed).toMatchObject({
      status: 500,
      error: `Worker thread '${name}_0' has ended while it executed the request: ${reason}`,
    });
    expect((await infer('noise', 1)).data).toEqual([1]);
    await eventually(() => ready(name));
    expect((await infer(name, 1)).data).toEqual([1]);
    await unload(name);
  });

  it('is started again later and later, and is not ready meanwhile', async () => {
    await load('keeps_dying');
    expect((await infer('keeps_dying', 7)).status).toBe(500);
    await server.logged(/Worker thread 'keeps_dying_0' could not be restarted/u);
    expect(await ready('keeps_dying')).toBe(false);
    expect((await infer('keeps_dying', 1)).error).toContain("Worker thread 'keeps_dying_0' ");
    repository.remove('keeps_dying/1/died');
    await eventually(() => ready('keeps_dying'));
    expect((await infer('keeps_dying', 1)).data).toEqual([1]);
    await unload('keeps_dying');
  });
});

describe('a model that does not end', () => {
  /** Sends 7, and gives the request up when the log has this line. */
  async function inferUntil(model: string, line: RegExp): Promise<unknown> {
    const leaver = new AbortController();
    const answer = infer(model, 7, leaver.signal);
    // At once, for a rejection that nobody listens to yet ends the run.
    const settled = answer.catch(() => null);
    await server.logged(line);
    leaver.abort();
    await settled;
    return answer;
  }

  it('is got rid of', async () => {
    await load('noise');
    await load('loop');
    // So quick that the server waits for its answers: it does not wait for this one.
    for (let count = 0; count < 50; count++) await infer('loop', 1);
    const before = threadCount(server.pid);
    await expect(inferUntil('loop', /the loop has begun/u)).rejects.toThrow('abort');
    expect((await infer('noise', 1)).data).toEqual([1]);
    await unload('loop');
    await server.logged(
      /\[loop_0\] did not finalize: Failed to finalize model instance loop_0 within 1 seconds\./u,
    );
    await eventually(() => threadCount(server.pid) < before);
  });

  it('may hang in its end', async () => {
    await load('hang_finalize');
    await unload('hang_finalize');
    await server.logged(/\[hang_finalize_0\] did not finalize: /u);
  });

  it('answers a client that goes away no more', async () => {
    await load('never_settles');
    const begun = /\[never_settles_0\] begun/u;
    await expect(inferUntil('never_settles', begun)).rejects.toThrow('abort');
    expect(await unload('never_settles')).toBe('');
  });
});

describe('a model that does not load', () => {
  it.each([
    ['exit_initialize', 'its thread has ended: it ended by itself with status 4'],
    ['throw_initialize', 'RangeError: no luck'],
    ['throw_import', 'Error: not today'],
    ['no_model', "model.js exports no model: export a function 'execute'"],
    ['auto_wrong', 'autoCompleteConfig must return the configuration, or nothing'],
    ['bad_setting', "parameter 'max_heap_megabytes' of model 'bad_setting' must be a whole number"],
    ['no_file', 'there is no model.js, model.mjs, model.cjs, model.ts, model.mts in '],
  ])('says why (%s)', async (name, text) => {
    expect(await control(server.url, name, 'load')).toContain(text);
  });
});

describe('a model that hangs while it loads', () => {
  it('is given up', async () => {
    const other = await ServerProcess.start({
      flags: [
        `--model-repository=${repository.path}`,
        '--model-control-mode=explicit',
        '--strict-readiness=false',
        '--backend-config=javascript,initialize-timeout-seconds=2',
      ],
    });
    // Which of the steps the time ends in, the machine tells.
    expect(await control(other.url, 'hang_initialize', 'load')).toMatch(
      /Failed to \w+ model instance hang_initialize_0 within 2 seconds\./u,
    );
    expect((await other.stop()).status).toBe(0);
  });
});

describe('exceptions of every kind', () => {
  it.each([
    ['recursion', 'RangeError: Maximum call stack size exceeded'],
    ['memory', 'RangeError: Invalid typed array length: 4503599627370496'],
  ])('are errors of the model (%s)', async (name, text) => {
    await load(name);
    const failed = await infer(name, 7);
    expect(failed.status).toBe(500);
    expect(failed.error).toContain(text);
    expect((await infer(name, 1)).data).toEqual([1]);
    await unload(name);
  });
});

describe('output of models', () => {
  it('comes into the log line by line, whatever it is', async () => {
    await load('noise');
    expect((await infer('noise', 1)).status).toBe(200);
    await server.logged(/\[noise_0\] hello from the model/u);
    await server.logged(/\[noise_0\] bad news/u);
  });

  it('is cut where a log could not bear it', async () => {
    const before = server.log.length;
    await load('flood');
    expect((await infer('flood', 1)).data).toEqual([1]);
    await server.logged(/\[flood_0\] … \d+ bytes of output were left out/u);
    await unload('flood');
    expect(server.log.length - before).toBeLessThan(4_000_000);
  });

  it('to the port of the thread leads nowhere', async () => {
    await load('garbage');
    expect((await infer('garbage', 1)).data).toEqual([1]);
    await unload('garbage');
  });
});

describe('results that are not what was promised', () => {
  it.each([
    ['wrong_type', "output 'Y' has data type FP64, the configuration says INT32"],
    ['wrong_array', "tensor 'Y' has data type INT32, which a Float64Array does not hold"],
    ['no_type', 'tensor \'Y\' has dataType "INT7", which is none'],
    ['wrong_shape', "tensor 'Y' has 1 elements, its shape [1,2] asks for 2"],
    ['wrong_rank', "output 'Y' has shape [1,1], expected [-1]"],
    ['wrong_name', "the configuration has no output 'Q', only 'Y'"],
    ['missing', "the response has no output 'Y', which the request wants"],
    ['twice', "the response has output 'Y' twice"],
    ['no_data', "tensor 'Y' has no data"],
    ['text_data', 'tensor \'Y\' of type INT32: "one" is no number'],
    ['nothing', 'a response must be an object with outputs, got undefined'],
    ['not_a_list', 'execute must return an array with one response a request, got undefined'],
    ['one_too_many', 'InferenceRequest(s) size is:1, and InferenceResponse(s) size is:2'],
    ['huge', 'the tensors take 4294967296 bytes, at most 2147483648 are possible'],
    ['odd_parameter', "parameter 'a' must be a text, a number, a bigint or a boolean"],
  ])('are errors that say what is wrong (%s)', async (name, text) => {
    await load(name);
    const failed = await infer(name, 3);
    expect(failed.status).toBe(500);
    expect(failed.error).toContain(`for model '${name}_0', message: `);
    expect(failed.error).toContain(text);
    await unload(name);
  });
});

describe('models that come and go', () => {
  it('leave no thread and no memory behind', async () => {
    const cycle = async (): Promise<void> => {
      await load('exit');
      await infer('exit', 1);
      await unload('exit');
    };
    for (let round = 0; round < 10; round++) await cycle();
    const threadsBefore = threadCount(server.pid);
    const before = residentBytes(server.pid);
    for (let round = 0; round < 50; round++) await cycle();
    await eventually(() => threadCount(server.pid) <= threadsBefore);
    // A thread has 10 MB: one that stays in ten shows, what the allocator keeps does not.
    expect(residentBytes(server.pid) - before).toBeLessThan(50 * 1024 * 1024);
  }, 300_000);
});
