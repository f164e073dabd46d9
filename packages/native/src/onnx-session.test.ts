import { describe, expect, test } from 'vitest';
import {
  addSubModel,
  countingModel,
  identityModel,
  type OnnxTypeName,
  onnxModel,
} from '../../test-kit/src/onnx-writer.ts';
import type { DataType } from './data-type.ts';
import { NativeError } from './native-error.ts';
import type { OnnxTensor } from './onnx-tensor.ts';
import type { OnnxInput } from './tensor-run.ts';
import { count, float32, floatsOf, openSession, strings, tensor } from './testing/onnx-fixture.ts';

const TYPES: readonly [OnnxTypeName, DataType, number][] = [
  ['BOOL', 'BOOL', 1],
  ['UINT8', 'UINT8', 1],
  ['UINT16', 'UINT16', 2],
  ['UINT32', 'UINT32', 4],
  ['UINT64', 'UINT64', 8],
  ['INT8', 'INT8', 1],
  ['INT16', 'INT16', 2],
  ['INT32', 'INT32', 4],
  ['INT64', 'INT64', 8],
  ['FLOAT16', 'FP16', 2],
  ['FLOAT', 'FP32', 4],
  ['DOUBLE', 'FP64', 8],
  ['BFLOAT16', 'BF16', 2],
];
const SHAPES: readonly number[][] = [[], [1], [7], [0], [3, 0, 2], [2, 3, 5], [4099]];

function pattern(byteLength: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: byteLength }, (_, index) => (index * 7 + seed) & 1);
}

function viewOf(result: OnnxTensor | undefined): DataView {
  const { data } = result!;
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

describe('tensors', () => {
  test.each(TYPES)('%s goes in and comes out', async (onnxType, dataType, byteSize) => {
    for (const shape of SHAPES) {
      const model = identityModel(
        onnxType,
        shape.map((_, axis) => `d${axis}`),
      );
      const session = await openSession(model);
      const byteLength = shape.reduce((product, dim) => product * dim, byteSize);
      expect(session.inputs[0]).toMatchObject({ kind: 'tensor', dataType });
      // Three times: unplanned, then with what was learned, then on a thread.
      for (let seed = 0; seed < 3; seed += 1) {
        const data = pattern(byteLength, seed);
        const inputs = [{ name: 'INPUT', tensor: { dataType, shape, data } }];
        const [result] =
          seed < 2 ? session.run(inputs, ['OUTPUT']) : await session.runAsync(inputs, ['OUTPUT']);
        expect(result).toMatchObject({ dataType, shape });
        expect(Buffer.compare(result!.data, data)).toBe(0);
      }
      session.release();
    }
  });

  test.each([
    ['plain', ['a', '', 'three', 'ü€😀']],
    ['binary', ['a', Uint8Array.of(0, 255, 0), Uint8Array.of(0x80, 0xff), '', 'b\0c']],
    ['one', ['x'.repeat(100_000)]],
    ['none', []],
  ])('%s strings keep every byte', async (_, values) => {
    const session = await openSession(identityModel('STRING', ['n']));
    const sent = strings([values.length], values);
    const inputs = [{ name: 'INPUT', tensor: sent }];
    for (let round = 0; round < 2; round += 1) {
      expect(Buffer.compare(session.run(inputs, ['OUTPUT'])[0]!.data, sent.data)).toBe(0);
    }
    const [result] = await session.runAsync(inputs, ['OUTPUT']);
    expect(result).toMatchObject({ dataType: 'BYTES', shape: [values.length] });
    expect(Buffer.compare(result!.data, sent.data)).toBe(0);
    session.release();
  });

  test.each([
    ['too short', 2, Buffer.from([1, 0, 0, 0, 65])],
    ['a length beyond the end', 1, Buffer.from([255, 255, 255, 255, 65])],
    ['too long', 1, Buffer.from([1, 0, 0, 0, 65, 66])],
    ['a huge count', 2 ** 40, Buffer.from([0, 0, 0, 0])],
  ])('strings: %s is refused', async (_, elements, data) => {
    const session = await openSession(identityModel('STRING', ['n']));
    const sent = { dataType: 'BYTES', shape: [elements], data } as const;
    expect(() => session.run([{ name: 'INPUT', tensor: sent }], ['OUTPUT'])).toThrow(NativeError);
    session.release();
  });

  test('misaligned input is read right', async () => {
    const session = await openSession(addSubModel('DOUBLE', ['n']));
    const raw = new Uint8Array(4000 * 8 + 3);
    const data = raw.subarray(3);
    new DataView(data.buffer, 3).setFloat64(8, 2.5, true);
    const sent = { dataType: 'FP64', shape: [4000], data } as const;
    const inputs = ['INPUT0', 'INPUT1'].map((name) => ({ name, tensor: sent }));
    for (let round = 0; round < 2; round += 1) {
      expect(viewOf(session.run(inputs, ['OUTPUT0'])[0]).getFloat64(8, true)).toBe(5);
    }
    session.release();
  });

  test('a tensor of 64 MiB', async () => {
    const session = await openSession(identityModel('UINT8', ['n']));
    const data = Buffer.alloc(64 << 20, 3);
    data[data.length - 1] = 9;
    const inputs = [{ name: 'INPUT', tensor: tensor('UINT8', [data.length], data) }];
    for (let round = 0; round < 2; round += 1) {
      const [result] = await session.runAsync(inputs, ['OUTPUT']);
      expect(Buffer.compare(result!.data, data)).toBe(0);
    }
    session.release();
  });
});

describe('planned runs', () => {
  const named = (left: number[], right: number[]): OnnxInput[] => [
    { name: 'INPUT0', tensor: float32([left.length], ...left) },
    { name: 'INPUT1', tensor: float32([right.length], ...right) },
  ];

  test('results of one run stay as they are during the next', async () => {
    const session = await openSession(addSubModel('FLOAT', ['n']));
    session.run(named([1, 2], [1, 1]), ['OUTPUT0']);
    const first = session.run(named([1, 2], [1, 1]), ['OUTPUT0']);
    const second = session.run(named([5, 6], [1, 1]), ['OUTPUT0']);
    expect(floatsOf(first[0])).toEqual([2, 3]);
    expect(floatsOf(second[0])).toEqual([6, 7]);
    session.release();
  });

  test('shapes, output lists and their order may change from run to run', async () => {
    const session = await openSession(addSubModel('FLOAT', ['n']));
    for (let round = 0; round < 100; round += 1) {
      const size = 1 + (round % 40);
      const left = Array.from({ length: size }, (_, index) => 1 + index + round);
      const right = left.map((value) => value * 2);
      const names = round % 3 === 0 ? ['OUTPUT1', 'OUTPUT0'] : ['OUTPUT0', 'OUTPUT1'];
      const results = session.run(named(left, right), names);
      const sum = results[names.indexOf('OUTPUT0')];
      expect(floatsOf(sum)).toEqual(left.map((value) => value * 3));
      expect(floatsOf(results[names.indexOf('OUTPUT1')])).toEqual(left.map((value) => -value));
    }
    session.release();
  });

  test('output shapes that depend on values', async () => {
    const session = await openSession(
      onnxModel({
        nodes: [{ op: 'NonZero', inputs: ['X'], outputs: ['Y'] }],
        inputs: [{ name: 'X', type: 'FLOAT', shape: ['n'] }],
        outputs: [{ name: 'Y', type: 'INT64', shape: [1, 'm'] }],
      }),
    );
    const found = (...values: number[]): readonly number[] =>
      session.run([{ name: 'X', tensor: float32([3], ...values) }], ['Y'])[0]!.shape;
    expect(found(0, 1, 1)).toEqual([1, 2]);
    expect(found(1, 1, 0)).toEqual([1, 2]);
    expect(found(1, 0, 0)).toEqual([1, 1]);
    expect(found(0, 0, 0)).toEqual([1, 0]);
    expect(found(1, 1, 1)).toEqual([1, 3]);
    session.release();
  });

  test('outputs that are inputs, constants, or named twice', async () => {
    const session = await openSession(
      onnxModel({
        nodes: [{ op: 'Identity', inputs: ['X'], outputs: ['Y'] }],
        inputs: [{ name: 'X', type: 'FLOAT', shape: ['n'] }],
        outputs: ['X', 'Y', 'C'].map((name) => ({ name, type: 'FLOAT', shape: ['n'] }) as const),
        initializers: [
          { name: 'C', type: 'FLOAT', shape: [1], data: Uint8Array.of(0, 0, 128, 63) },
        ],
      }),
    );
    for (const names of [['X', 'Y', 'C'], ['C'], ['Y', 'Y']]) {
      for (let round = 0; round < 4; round += 1) {
        const input = [{ name: 'X', tensor: float32([1], round) }];
        const results =
          round < 3 ? session.run(input, names) : await session.runAsync(input, names);
        expect(results.map((result) => floatsOf(result)[0])).toEqual(
          names.map((name) => (name === 'C' ? 1 : round)),
        );
      }
    }
    session.release();
  });

  test('a run that fails after a plan was made reports why, and the next succeeds', async () => {
    const session = await openSession(
      onnxModel({
        nodes: [{ op: 'Gather', inputs: ['X', 'I'], outputs: ['Y'] }],
        inputs: [
          { name: 'X', type: 'FLOAT', shape: ['n'] },
          { name: 'I', type: 'INT64', shape: ['m'] },
        ],
        outputs: [{ name: 'Y', type: 'FLOAT', shape: ['m'] }],
      }),
    );
    const gather = (index: number): number[] => {
      const index64 = tensor('INT64', [1], BigInt64Array.of(BigInt(index)));
      const input = [
        { name: 'X', tensor: float32([2], 7, 8) },
        { name: 'I', tensor: index64 },
      ];
      return floatsOf(session.run(input, ['Y'])[0]);
    };
    for (let round = 0; round < 3; round += 1) {
      expect(gather(1)).toEqual([8]);
      expect(() => gather(5)).toThrow(/out of data bounds/);
    }
    session.release();
  });
});

describe('what a model does not take', () => {
  const cases: readonly [string, string, object, RegExp][] = [
    ['name', 'nope', {}, /Invalid input name: nope/],
    ['type', 'INPUT0', { dataType: 'INT32' }, /Unexpected input data type/],
    ['rank', 'INPUT0', { shape: [1, 2] }, /Invalid rank for input: INPUT0 Got: 2 Expected: 1/],
    ['shape', 'INPUT0', { shape: [3], data: new Uint8Array(12) }, /Got invalid dimensions/],
    ['size', 'INPUT0', { data: new Uint8Array(7) }, /needs 8 bytes, got 7/],
    ['negative dimension', 'INPUT0', { shape: [-2] }, /invalid dimension -2/],
    ['fraction', 'INPUT0', { shape: [0.5] }, /invalid dimension 0.5/],
    ['overflow', 'INPUT0', { shape: [2 ** 32, 2 ** 32] }, /too many elements/],
    ['overflow beside a zero', 'INPUT0', { shape: [2 ** 52, 2 ** 52, 0] }, /too many elements/],
    ['name with NUL', 'INPUT0\0', {}, /NUL/],
  ];
  test.each(cases)('%s', async (_, name, change, text) => {
    const session = await openSession(addSubModel('FLOAT', [2]));
    const good = { name: 'INPUT1', tensor: float32([2], 1, 2) };
    const bad = [{ name, tensor: { ...good.tensor, ...change } }, good];
    expect(() => session.run(bad, ['OUTPUT0'])).toThrow(text);
    await expect(session.runAsync(bad, ['OUTPUT0'])).rejects.toThrow(text);
    await expect(session.runAsync(bad, ['OUTPUT0'])).rejects.toBeInstanceOf(NativeError);
    const inputs = [{ ...good, name: 'INPUT0' }, good];
    expect(floatsOf(session.run(inputs, ['OUTPUT0'])[0])).toEqual([2, 4]);
    expect(() => session.run(inputs, ['nope'])).toThrow(/Invalid output name:\s*nope/);
    expect(() => session.run(inputs, [])).toThrow(/At least one output/);
    session.release();
  });

  test('outputs that are no tensors', async () => {
    const session = await openSession(
      onnxModel({
        nodes: [{ op: 'SequenceConstruct', inputs: ['X'], outputs: ['Y'] }],
        inputs: [{ name: 'X', type: 'FLOAT', shape: ['n'] }],
        outputs: [{ name: 'Y', type: 'FLOAT', shape: ['n'], sequence: true }],
      }),
    );
    expect(session.outputs[0]).toMatchObject({ kind: 'sequence', dataType: null });
    expect(() => session.run([{ name: 'X', tensor: float32([1], 1) }], ['Y'])).toThrow(
      "output 'Y' is not a tensor",
    );
    session.release();
  });
});

describe('runs on threads', () => {
  test('many at once on one session, each with its own result', async () => {
    const session = await openSession(addSubModel('FLOAT', ['n']));
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        session.runAsync(
          [
            { name: 'INPUT0', tensor: float32([1], index) },
            { name: 'INPUT1', tensor: float32([1], 1) },
          ],
          ['OUTPUT0'],
        ),
      ),
    );
    expect(results.map(([result]) => floatsOf(result)[0])).toEqual(
      Array.from({ length: 200 }, (_, index) => index + 1),
    );
    expect(session.pendingCount).toBe(0);
    session.release();
  });

  test('stopping one does not touch the others', async () => {
    const session = await openSession(countingModel());
    const stop = new AbortController();
    const endless = session.runAsync(count(2 ** 40), ['OUTPUT'], { signal: stop.signal });
    const other = session.runAsync(count(20_000), ['OUTPUT']);
    setTimeout(() => stop.abort(), 20);
    await expect(endless).rejects.toMatchObject({ code: 'TERMINATED' });
    expect(viewOf((await other)[0]).getBigInt64(0, true)).toBe(20_000n);
    expect(viewOf(session.run(count(5), ['OUTPUT'])[0]).getBigInt64(0, true)).toBe(5n);
    session.release();
  });

  test('a run that waits for a thread is stopped at once', async () => {
    const session = await openSession(countingModel());
    const stopAll = new AbortController();
    const running = Array.from({ length: 8 }, () =>
      session.runAsync(count(2 ** 40), ['OUTPUT'], { signal: stopAll.signal }),
    );
    const settled = Promise.allSettled(running);
    const stop = new AbortController();
    const waiting = session.runAsync(count(1), ['OUTPUT'], { signal: stop.signal });
    await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'TERMINATED' });
    expect(session.pendingCount).toBe(8);
    stopAll.abort();
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true);
    const aborted = session.runAsync(count(1), ['OUTPUT'], { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'TERMINATED' });
    session.release();
  });

  test('the event loop turns while a model runs', async () => {
    const session = await openSession(countingModel());
    const stop = new AbortController();
    const run = session.runAsync(count(2 ** 40), ['OUTPUT'], { signal: stop.signal });
    const ended = expect(run).rejects.toMatchObject({ code: 'TERMINATED' });
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(session.pendingCount).toBe(1);
    stop.abort();
    await ended;
    session.release();
  });
});

describe('a session', () => {
  test('says what the model is', async () => {
    const session = await openSession(
      onnxModel({
        name: 'the graph',
        description: 'about the graph',
        producer: 'a producer',
        domain: 'org.example',
        modelDescription: 'about the model',
        modelVersion: 2n ** 60n,
        metadata: { author: 'me', __proto__key: 'x', leer: '' },
        nodes: [{ op: 'Add', inputs: ['X', 'W'], outputs: ['Y'] }],
        inputs: [
          { name: 'X', type: 'FLOAT', shape: ['batch', null, 3] },
          { name: 'W', type: 'FLOAT', shape: [3] },
        ],
        outputs: [{ name: 'Y', type: 'FLOAT', shape: ['batch', null, 3] }],
        initializers: [{ name: 'W', type: 'FLOAT', shape: [3], data: new Uint8Array(12) }],
      }),
    );
    expect(session.metadata).toEqual({
      producer: 'a producer',
      graph: 'the graph',
      domain: 'org.example',
      description: 'about the model',
      graphDescription: 'about the graph',
      version: 2n ** 60n,
      custom: { author: 'me', __proto__key: 'x', leer: '' },
    });
    expect(session.inputs).toEqual([
      {
        name: 'X',
        kind: 'tensor',
        dataType: 'FP32',
        onnxType: 'tensor(float)',
        shape: [-1, -1, 3],
        symbolicDimensions: ['batch', null, null],
      },
    ]);
    expect(session.overridableInitializers.map(({ name }) => name)).toEqual(['W']);
    const inputs = [
      { name: 'X', tensor: float32([1, 1, 3], 1, 2, 3) },
      { name: 'W', tensor: float32([3], 10, 20, 30) },
    ];
    expect(floatsOf(session.run(inputs.slice(0, 1), ['Y'])[0])).toEqual([1, 2, 3]);
    expect(floatsOf(session.run(inputs, ['Y'])[0])).toEqual([11, 22, 33]);
    session.release();
  });

  test('is released once, not during a run, and not used after', async () => {
    const session = await openSession(countingModel());
    const run = session.runAsync(count(1000), ['OUTPUT']);
    expect(() => session.release()).toThrow(/1 runs under way/);
    await run;
    session.release();
    session.release();
    expect(() => session.run(count(1), ['OUTPUT'])).toThrow(/after its release/);
    await expect(session.runAsync(count(1), ['OUTPUT'])).rejects.toThrow(/after its release/);
    expect(() => session.endProfiling()).toThrow(/after its release/);
  });
});
