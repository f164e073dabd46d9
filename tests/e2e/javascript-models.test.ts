import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countingModel, javascriptConfig, javascriptModel } from './javascript-models.ts';
import { runPytest } from './run-python.ts';
import { modelFiles, temporaryRepository } from './temporary-repository.ts';
import { control, expectIncremented, inferJson } from './vector-inference.ts';

const types = [
  'BOOL',
  ...['UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64'],
  ...['FP16', 'BF16', 'FP32', 'FP64', 'BYTES'],
];
const iterative = 'sequence_batching { iterative_sequence: true }';
const decoupled = 'model_transaction_policy { decoupled: true }';
const gauge = "await context.metrics.gauge('js_gauge', { help: 'G', labels: { of: 'life' } })";

const models: Record<string, readonly [config: string, file: string, code: string]> = {
  counting: [javascriptConfig(decoupled), 'model.mjs', countingModel],
  common_js: [
    javascriptConfig(),
    'model.cjs',
    `const { basename } = require('node:path');
exports.execute = (requests) =>
  requests.map((request) => ({ outputs: [{ name: 'Y', data: [basename(__filename).length] }] }));`,
  ],
  spare: [javascriptConfig(), 'model.js', javascriptModel('')],
  life: [
    javascriptConfig('parameters { key: "greeting" value { string_value: "ahoy" } }'),
    'model.js',
    `import { strict as assert } from 'node:assert';
export default {
  async initialize(context) {
    assert.equal(context.config.name, 'life');
    assert.equal(context.modelName + context.modelVersion, 'life1');
    assert.ok(import.meta.url.includes(context.versionDirectory));
    this.gauge = ${gauge};
    this.gauge.set(3);
    context.logger.warning('initialized ' + context.instanceName + ' ' + context.parameters.greeting);
  },
  isReady: () => globalThis.ready !== false,
  execute(requests) {
    this.gauge.increment(-1);
    return requests.map((request) => {
      const { id, parameters, outputNames, batchSize, signal } = request;
      const told = { id, parameters, outputNames, batchSize, aborted: signal.aborted };
      console.log(JSON.stringify(told, (_, value) => (typeof value === 'bigint' ? value + 'n' : value)));
      globalThis.ready = request.input('X').data[0] !== 0;
      return {
        outputs: [{ name: 'Y', data: request.input('X').data }],
        parameters: { text: 'a', flag: true, whole: 5, wide: 2n ** 62n, part: 0.5 },
      };
    });
  },
  async finalize() {
    console.error('finalized');
  },
};`,
  ],
  errors: [
    javascriptConfig(),
    'model.js',
    `import { TritonError } from '@nereid/model';
export function execute(requests) {
  return requests.map((request) => {
    const [x] = request.input('X').data;
    if (x === 1) throw new TritonError('UNAVAILABLE', 'come back later');
    if (x === 2) return new TritonError('NOT_FOUND', 'not here');
    if (x === 3) request.input('Q');
    if (x === 4) request.input('X', 'FP32');
    throw 'a text';
  });
}`,
  ],
  counts_down: [
    javascriptConfig(`${decoupled} ${iterative}`),
    'model.js',
    `let left = null;
export async function* execute([request]) {
  left = (left ?? request.input('X').data[0]) - 1;
  yield { outputs: [{ name: 'Y', data: [left] }] };
  if (left > 0) yield { reschedule: true };
  else left = null;
}`,
  ],
  second_time: [
    javascriptConfig(iterative),
    'model.js',
    `let count = 0;
export const execute = ([request]) =>
  ++count % 2 === 1
    ? [{ reschedule: true }]
    : [{ outputs: [{ name: 'Y', data: [request.input('X').data[0] * 10 + count] }] }];`,
  ],
  keeper: [
    javascriptConfig(),
    'model.js',
    `const kept = [];
export const execute = (requests) =>
  requests.map((request) => {
    const x = request.input('X', 'INT32').data;
    kept.push([x, x.slice()]);
    if (!kept.every(([a, b]) => a.length === b.length && a.every((v, i) => v === b[i]))) throw new Error('changed');
    return { outputs: [{ name: 'Y', data: x.map((value) => value + 1) }] };
  });`,
  ],
  constant: [
    javascriptConfig(),
    'model.js',
    `const table = new Int32Array(100_000).fill(5);
export const execute = (requests) =>
  requests.map((request) => ({
    outputs: [{ name: 'Y', data: table, keep: request.input('X').data[0] === 1 }],
  }));`,
  ],
  batching: [
    `backend: "javascript" max_batch_size: 8 dynamic_batching { max_queue_delay_microseconds: 60000000 preferred_batch_size: [ 4 ] }
input { name: "X" data_type: TYPE_INT32 dims: [ 1 ] } output { name: "Y" data_type: TYPE_INT32 dims: [ 1 ] }`,
    'model.js',
    `export const execute = (requests) =>
  requests.map(({ batchSize }) => ({ outputs: [{ name: 'Y', shape: [batchSize, 1], data: [requests.length] }] }));`,
  ],
  concurrent: [
    javascriptConfig('parameters { key: "concurrent_batches" value { string_value: "3" } }'),
    'model.js',
    `const waiting = [];
export async function execute([request]) {
  const y = await new Promise((resolve) => {
    waiting.push(resolve);
    // The third lets all three go.
    if (waiting.length === 3) waiting.splice(0).forEach((go, index) => go(index));
  });
  return [{ outputs: [{ name: 'Y', data: [y] }] }];
}`,
  ],
  ticking: [
    javascriptConfig(),
    'model.js',
    `let ticks = 0;
setInterval(() => ticks++, 1);
export const execute = (requests) => requests.map(() => ({ outputs: [{ name: 'Y', data: [ticks] }] }));`,
  ],
  typed: [
    'backend: "javascript"',
    'model.ts',
    `import type { CompletableConfig, InferenceRequest, Model } from '@nereid/model';
import { scaled } from './scale.js';

enum Way { Up = 1, Down = -1 }

export default class Typed implements Model {
  static autoCompleteConfig(config: CompletableConfig): Partial<CompletableConfig> {
    return {
      input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [-1] }],
      output: [{ name: 'Y', data_type: 'TYPE_INT32', dims: [-1] }],
    };
  }
  constructor(private readonly way: Way = Way.Down) {}
  execute(requests: readonly InferenceRequest[]) {
    return requests.map((request) => ({
      outputs: [{ name: 'Y', data: scaled<Int32Array>(request.input('X', 'INT32').data, this.way) }],
    }));
  }
}`,
  ],
  seven: [
    javascriptConfig(),
    'model.js',
    `import seven from 'seven';\n${javascriptModel('y = [seven];')}`,
  ],
  taken_for_common_js: [javascriptConfig(), 'model.js', javascriptModel('')],
  taken_for_module: [javascriptConfig(), 'model.js', 'module.exports = { execute: () => [] };'],
  versions: [
    javascriptConfig('version_policy { all { } }'),
    'model.js',
    javascriptModel('y = [1];'),
  ],
  ...Object.fromEntries(
    types.map((type) => [
      `echo_${type}`,
      [
        javascriptConfig('', type === 'BYTES' ? 'STRING' : type),
        'model.js',
        `export const execute = (requests) =>
  requests.map((request) => {
    const { data, shape, dataType } = request.input('X', '${type}');
    return { outputs: [{ name: 'Y', data, shape, dataType }] };
  });`,
      ] as const,
    ]),
  ),
  upper: [
    javascriptConfig('', 'STRING'),
    'model.js',
    `export const execute = (requests) =>
  requests.map((request) => ({
    outputs: [{ name: 'Y', data: request.input('X').strings().map((text) => text.toUpperCase()) }],
  }));`,
  ],
};

const repository = temporaryRepository({
  ...modelFiles(models, ([config, file, code]) => ({
    'config.pbtxt': config,
    [`1/${file}`]: code,
  })),
  'typed/1/scale.ts':
    'export function scaled<T extends { map(f: (v: number) => number): T }>(data: T, by: number): T { return data.map((v) => v * by); }',
  'seven/node_modules/seven/index.js': 'module.exports = 7;',
  'taken_for_common_js/package.json': '{"name": "a", "type": "commonjs"}',
  'taken_for_module/package.json': '{"name": "a", "type": "module"}',
  'versions/2/model.ts':
    'export const execute = ([r]: any) => [{ outputs: [{ name: "Y", data: [2] }] }];',
});
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--strict-readiness=false',
      ...Object.keys(models)
        .filter((name) => !/^(spare|life|taken_for_.*)$/u.test(name))
        .map((name) => `--load-model=${name}`),
    ],
  });
});

afterAll(async () => {
  const { status } = await server.stop();
  repository.remove();
  expect(status).toBe(0);
});

const infer = (model: string, data: readonly (number | string)[]) =>
  inferJson(server.url, model, data);

describe('Triton’s clients', () => {
  it('test_javascript_models.py', async () => {
    const summary = await runPytest('test_javascript_models.py', {
      NEREID_URL: `127.0.0.1:${server.port}`,
      NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
    });
    expect(summary).toMatch(/^\d+ passed/u);
  });
});

describe('files', () => {
  it.each([
    ['common_js', [0], [9]],
    ['typed', [3, 4], [-3, -4]],
    ['seven', [0], [7]],
    ['versions', [0], [2]],
    ['versions/versions/1', [0], [1]],
  ])('are modules of every kind (%s)', async (model, x, y) => {
    expect(await infer(model, x)).toMatchObject({ status: 200, error: '', data: y });
  });

  it.each([
    ['taken_for_common_js', 'commonjs', 'model.mjs'],
    ['taken_for_module', 'module', 'model.cjs'],
  ])('of the other kind than they are taken for say so (%s)', async (model, type, name) => {
    const { error } = JSON.parse(await control(server.url, model, 'load')) as { error: string };
    expect(error).toContain(`/${model}/package.json says "type": "${type}"`);
    expect(error).toContain(`name it ${name}, or say `);
    expect(error).toContain('/1/model.js(1)');
  });

  it('complete the configuration', async () => {
    const answer = await fetch(`${server.url}/v2/models/typed/config`);
    expect(await answer.json()).toMatchObject({
      input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [-1] }],
    });
  });
});

describe('the life of a model', () => {
  it('is given its context, logs, publishes metrics, and is told of its end', async () => {
    expect(await control(server.url, 'life', 'load')).toBe('');
    await server.logged(/W\d+ .*\[life_0\] initialized life_0 ahoy/u);
    const answer = await fetch(`${server.url}/v2/models/life/infer`, {
      method: 'POST',
      body: JSON.stringify({
        id: 'mine',
        parameters: { a: 1, b: 'two', c: true },
        inputs: [{ name: 'X', shape: [1], datatype: 'INT32', data: [1] }],
      }),
    });
    expect(await answer.json()).toMatchObject({
      id: 'mine',
      parameters: { text: 'a', flag: true, whole: 5, part: 0.5 },
    });
    await server.logged(
      /\[life_0\] \{\\?"id\\?":\\?"mine\\?",\\?"parameters\\?":\{\\?"a\\?":1,\\?"b\\?":\\?"two\\?",\\?"c\\?":true\},\\?"outputNames\\?":\[\\?"Y\\?"\],\\?"batchSize\\?":1,\\?"aborted\\?":false\}/u,
    );
    const page = async () => (await fetch(server.metricsUrl ?? '')).text();
    // What a thread publishes comes beside its answers, not always before them.
    await expect.poll(page).toContain('js_gauge{of="life"} 2');
    await control(server.url, 'life', 'unload');
    await server.logged(/\[life_0\] finalized/u);
    await eventually(async () => !(await page()).includes('js_gauge{'));
  });

  it('may say that it is not ready', async () => {
    await control(server.url, 'life', 'load');
    const ready = async () => (await fetch(`${server.url}/v2/models/life/ready`)).status;
    expect(await ready()).toBe(200);
    await infer('life', [0]);
    expect(await ready()).toBe(400);
    await infer('life', [1]);
    expect(await ready()).toBe(200);
    await control(server.url, 'life', 'unload');
  });

  it('takes the new code of a file that has changed', async () => {
    await control(server.url, 'spare', 'load');
    for (const value of [4, 5, 6]) {
      writeFileSync(
        join(repository.path, 'spare', '1', 'model.js'),
        `import { y } from './y.js';\n${javascriptModel('y = [y1];').replace('let y = x', 'let y = x; const y1 = value')}\nconst value = y;`,
      );
      writeFileSync(join(repository.path, 'spare', '1', 'y.js'), `export const y = ${value};`);
      expect(await control(server.url, 'spare', 'load')).toBe('');
      expect((await infer('spare', [0])).data).toEqual([value]);
    }
    writeFileSync(join(repository.path, 'spare', '1', 'model.js'), 'export const execute = (;');
    expect(await control(server.url, 'spare', 'load')).toContain('SyntaxError');
    expect((await infer('spare', [0])).data).toEqual([6]);
    await control(server.url, 'spare', 'unload');
  });
});

describe('errors of a model', () => {
  it.each([
    [1, 503, 'come back later'],
    [2, 404, 'not here'],
    [3, 400, "there is no input 'Q', only 'X'"],
    [4, 400, "input 'X' has data type INT32 and not FP32"],
    [
      5,
      500,
      "Failed to process the request(s) for model 'errors_0', message: the model threw a text",
    ],
  ])('have the code that it gives (%s)', async (x, status, error) => {
    expect(await infer('errors', [x])).toMatchObject({ status, error, data: [] });
  });
});

describe('a request that is given back', () => {
  it('is executed again, by models with iterative sequences', async () => {
    for (const count of [4, 1, 3]) {
      const answer = await fetch(`${server.url}/v2/models/counts_down/generate_stream`, {
        method: 'POST',
        body: JSON.stringify({ X: count }),
      });
      const values = [...(await answer.text()).matchAll(/"Y":(\d+)/gu)].map(([, y]) => Number(y));
      expect(values).toEqual(Array.from({ length: count }, (_, index) => count - 1 - index));
    }
    expect((await infer('second_time', [1])).data).toEqual([12]);
    expect((await infer('second_time', [2])).data).toEqual([24]);
  });
});

describe('a model with timers', () => {
  it('has its turns while requests come one after the other', async () => {
    const first = (await infer('ticking', [0])).data[0] as number;
    let last = first;
    while (last < first + 5) last = (await infer('ticking', [0])).data[0] as number;
    expect(last).toBeGreaterThan(first);
  });
});

describe('tensors', () => {
  it('are right in every size, also while the model keeps earlier ones', async () => {
    for (const count of [10, 16_384, 16_385, 4_300_000, 16_384, 5]) {
      await expectIncremented(server.url, 'keeper', count);
    }
  });

  it('that were handed over are not there a second time', async () => {
    expect((await infer('constant', [1])).data).toHaveLength(100_000);
    expect((await infer('constant', [1])).data).toHaveLength(100_000);
    expect((await infer('constant', [0])).data).toHaveLength(100_000);
    const { status, error } = await infer('constant', [0]);
    expect(status).toBe(500);
    expect(error).toContain("the array of tensor 'Y' was handed over with an earlier response");
  });
});

describe('batches', () => {
  it('are executed together', async () => {
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const answer = await fetch(`${server.url}/v2/models/batching/infer`, {
          method: 'POST',
          body: JSON.stringify({
            inputs: [{ name: 'X', shape: [1, 1], datatype: 'INT32', data: [1] }],
          }),
        });
        return ((await answer.json()) as { outputs: { data: number[] }[] }).outputs[0]?.data[0];
      }),
    );
    expect(answers).toEqual([4, 4, 4, 4]);
  });

  it('may be several at once, where the model says so', async () => {
    const answers = await Promise.all([1, 2, 3].map((x) => infer('concurrent', [x])));
    expect(answers.map(({ data }) => data[0]).sort()).toEqual([0, 1, 2]);
  });
});
