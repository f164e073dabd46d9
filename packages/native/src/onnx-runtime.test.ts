import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addSubModel,
  identityModel,
  type OnnxGraphSpec,
  type OnnxNodeSpec,
  onnxModel,
} from '../../test-kit/src/onnx-writer.ts';
import { NativeError } from './native-error.ts';
import { OnnxRuntime } from './onnx-runtime.ts';
import { bytesOf, float32, floatsOf } from './testing/onnx-fixture.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'native-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, content: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const runtime = OnnxRuntime.open();
const model = addSubModel('FLOAT', ['n']);

describe('a library', () => {
  test('is opened once and knows what it is', () => {
    expect(OnnxRuntime.open({ libraryPath: runtime.libraryPath })).toBe(runtime);
    expect(runtime.version).toMatch(/^1\.\d+\.\d+/);
    expect(runtime.availableProviders()).toContain('CPUExecutionProvider');
  });

  test('that does not exist, or is another', () => {
    const open = (libraryPath: string): OnnxRuntime => OnnxRuntime.open({ libraryPath });
    expect(() => open('/nonexistent/lib.so')).toThrow(NativeError);
    expect(() => open(file('text.so', Buffer.from('no library')))).toThrow(/failed to load/);
  });
});

describe('models that cannot be loaded', () => {
  const reject = async (source: { path: string } | { bytes: Uint8Array }): Promise<NativeError> => {
    const error: unknown = await runtime.createSession(source).then(
      (session) => session.release(),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(NativeError);
    return error as NativeError;
  };

  test('no file, a folder, no model, an empty one, a truncated one', async () => {
    expect(await reject({ path: join(folder, 'missing.onnx') })).toMatchObject({
      code: 'NO_SUCHFILE',
      message: expect.stringContaining("File doesn't exist"),
    });
    await reject({ path: folder });
    await reject({ path: `${folder}/a\0b` });
    expect(await reject({ path: file('text.onnx', Buffer.from('not a model')) })).toMatchObject({
      code: 'INVALID_PROTOBUF',
      message: expect.stringContaining('Protobuf parsing failed'),
    });
    await reject({ path: file('empty.onnx', new Uint8Array(0)) });
    await reject({ bytes: new Uint8Array(0) });
    await reject({ path: file('cut.onnx', model.subarray(0, model.byteLength - 20)) });
  });

  test('an operator that does not exist', async () => {
    const bytes = onnxModel({
      nodes: [{ op: 'NoSuchOperator', inputs: ['X'], outputs: ['Y'] }],
      inputs: [{ name: 'X', type: 'FLOAT', shape: [1] }],
      outputs: [{ name: 'Y', type: 'FLOAT', shape: [1] }],
    });
    expect((await reject({ bytes })).message).toContain('NoSuchOperator');
  });

  test('graphs in graphs, as deep as protobuf allows', async () => {
    // Each level is three messages deep and protobuf stops at a hundred.
    const nested = (depth: number): OnnxGraphSpec => {
      const inner: OnnxNodeSpec =
        depth === 0
          ? { op: 'Identity', inputs: ['X'], outputs: ['Y0'] }
          : {
              op: 'If',
              inputs: ['GO'],
              outputs: [`Y${depth}`],
              attributes: {
                then_branch: { graph: nested(depth - 1) },
                else_branch: { graph: { ...nested(0), name: `else${depth}` } },
              },
            };
      const outputs = [{ name: `Y${depth}`, type: 'FLOAT', shape: ['n'] }] as const;
      return { name: `level${depth}`, nodes: [inner], inputs: [], outputs };
    };
    const inputs = [
      { name: 'GO', type: 'BOOL', shape: [] },
      { name: 'X', type: 'FLOAT', shape: ['n'] },
    ] as const;
    const session = await runtime.createSession({ bytes: onnxModel({ ...nested(30), inputs }) });
    const feeds = [
      { name: 'GO', tensor: { dataType: 'BOOL', shape: [], data: Uint8Array.of(1) } as const },
      { name: 'X', tensor: float32([2], 4, 5) },
    ];
    expect(floatsOf(session.run(feeds, ['Y30'])[0])).toEqual([4, 5]);
    expect(floatsOf((await session.runAsync(feeds, ['Y30']))[0])).toEqual([4, 5]);
    session.release();
    await reject({ bytes: onnxModel({ ...nested(500), inputs }) });
  });

  test('every byte flipped: an error or a model, never a crash', async () => {
    let loaded = 0;
    for (let position = 0; position < model.byteLength; position += 1) {
      const bytes = Buffer.from(model);
      bytes[position]! ^= 1 << (position % 8);
      try {
        const session = await runtime.createSession({ bytes }, { logSeverity: 'fatal' });
        loaded += 1;
        session.release();
      } catch (error) {
        expect(error).toBeInstanceOf(NativeError);
      }
    }
    expect(loaded).toBeLessThan(model.byteLength);
  });

  test('execution providers that are not there', async () => {
    for (const name of ['cuda', 'TensorrtExecutionProvider', 'openvino', 'nonsense']) {
      const executionProviders = [{ name, options: {} }];
      const loading = runtime.createSession({ bytes: model }, { executionProviders });
      await expect(loading).rejects.toThrow(`failed to add execution provider '${name}'`);
    }
  });
});

describe('external data', () => {
  const withData = (location: string): Uint8Array =>
    onnxModel({
      nodes: [{ op: 'Add', inputs: ['X', 'C'], outputs: ['Y'] }],
      inputs: [{ name: 'X', type: 'FLOAT', shape: [2] }],
      outputs: [{ name: 'Y', type: 'FLOAT', shape: [2] }],
      initializers: [{ name: 'C', type: 'FLOAT', shape: [2], data: { location, length: 8 } }],
    });

  test('beside the model is read; outside of its folder is refused', async () => {
    const values = bytesOf(Float32Array.of(5, 6));
    const secret = file('secret', values);
    mkdirSync(join(folder, 'm'));
    file('m/weights', values);
    symlinkSync(secret, join(folder, 'm/link'));
    const good = await runtime.createSession({ path: file('m/a.onnx', withData('weights')) });
    const [result] = good.run([{ name: 'X', tensor: float32([2], 1, 1) }], ['Y']);
    expect(floatsOf(result)).toEqual([6, 7]);
    good.release();
    for (const location of ['../secret', secret, 'x/../../secret', 'link', 'missing']) {
      const path = file('m/b.onnx', withData(location));
      await expect(runtime.createSession({ path }), location).rejects.toBeInstanceOf(NativeError);
    }
    const bytes = withData('../secret');
    await expect(runtime.createSession({ bytes })).rejects.toBeInstanceOf(NativeError);
  });
});

describe('session options', () => {
  test('all of them are taken', async () => {
    const session = await runtime.createSession(
      { path: file('good.onnx', model) },
      {
        intraOpThreadCount: 2,
        interOpThreadCount: 2,
        executionMode: 'parallel',
        graphOptimizationLevel: 'basic',
        memoryArena: false,
        memoryPattern: false,
        configEntries: { 'session.intra_op.allow_spinning': '0' },
        executionProviders: [{ name: 'CPUExecutionProvider', options: {} }],
        profilingPathPrefix: join(folder, 'profile'),
        logSeverity: 'fatal',
        logId: 'test',
      },
    );
    const inputs = ['INPUT0', 'INPUT1'].map((name) => ({ name, tensor: float32([2], 1, 2) }));
    const options = {
      tag: 'a run',
      logSeverity: 'fatal',
      configEntries: { 'memory.enable_memory_arena_shrinkage': '' },
    } as const;
    expect(floatsOf(session.run(inputs, ['OUTPUT0'], options)[0])).toEqual([2, 4]);
    expect(session.endProfiling()).toContain(join(folder, 'profile'));
    expect(session.endProfiling()).toBeNull();
    session.release();
  });

  test('what cannot be is an error', async () => {
    const bytes = identityModel('FLOAT', ['n']);
    await expect(
      runtime.createSession({ bytes }, { intraOpThreadCount: -5 }),
    ).rejects.toBeInstanceOf(NativeError);
    await expect(runtime.createSession({ bytes }, { useGlobalThreadPool: true })).rejects.toThrow(
      'no global thread pool',
    );
  });
});
