import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxRuntime } from '@nereid/native';
import { parseModelConfigText, type Tensor, type TritonError } from '@nereid/protocol';
import { addSubModel, countingModel } from '@nereid/test-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendModel } from '../../core/backend.ts';
import { Cancellation } from '../../core/cancellation.ts';
import { systemClock } from '../../core/clock.ts';
import type { Execution } from '../../core/execution.ts';
import type { InferResponse } from '../../core/infer-response.ts';
import { silentLogger } from '../../core/logger.ts';
import { noGpus, normaliseInstanceGroups } from '../../model-config/instance-groups.ts';
import { normaliseConfig } from '../../model-config/normalise.ts';
import { OnnxBackend } from './onnx-backend.ts';

let root: string;
let models: BackendModel[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nereid-onnx-'));
  models = [];
});
afterEach(async () => {
  for (const model of models) await model.unload();
  rmSync(root, { recursive: true, force: true });
});

const backend = new OnnxBackend({ cpuCount: 1, openRuntime: () => OnnxRuntime.open() });

async function load(
  file: Uint8Array | null,
  config = '',
  autoComplete = true,
): Promise<BackendModel> {
  const versionDirectory = join(root, '1');
  mkdirSync(versionDirectory, { recursive: true });
  if (file !== null) writeFileSync(join(versionDirectory, 'model.onnx'), file);
  const text = `name: "m" backend: "onnxruntime" platform: "onnxruntime_onnx" default_model_filename: "model.onnx"\n${config}`;
  const parsed = normaliseConfig(parseModelConfigText(text, 'config.pbtxt'));
  const model = await backend.loadModel({
    modelName: 'm',
    version: 1,
    modelDirectory: root,
    versionDirectory,
    config: normaliseInstanceGroups(parsed, noGpus),
    configSource: null,
    autoComplete,
    backendConfig: new Map(),
    logger: silentLogger,
    clock: systemClock,
  });
  models.push(model);
  return model;
}

function floats(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  const data = new Uint8Array(Float32Array.from(values).buffer);
  return { name, dataType: 'FP32', shape, data };
}

interface Run {
  readonly answer: Promise<InferResponse>;
  readonly free: Promise<void> | null;
  readonly cancellation: Cancellation;
  readonly execution: Execution;
}

function run(model: BackendModel, inputs: readonly Tensor[], outputNames: readonly string[]): Run {
  const cancellation = new Cancellation();
  let execution!: Execution;
  let free: Promise<void> | null = null;
  const answer = new Promise<InferResponse>((resolve, reject) => {
    execution = {
      request: { id: 'r', inputs, outputNames, batchSize: 1, cancellation } as never,
      sink: {
        respond: (response) => resolve(response as InferResponse),
        fail: (error: TritonError) => reject(error),
      },
      queueStartNs: 0,
      computeStartNs: 0,
      computeInputEndNs: 0,
      computeOutputStartNs: 0,
      computeEndNs: 0,
    };
    free = model.instances[0]?.execute([execution]) ?? null;
  });
  return { answer, free, cancellation, execution };
}

const addInputs = [floats('INPUT0', [1, 2], [1, 2]), floats('INPUT1', [1, 2], [10, 20])];

describe('OnnxBackend', () => {
  it('completes the configuration from the model and runs it', async () => {
    const model = await load(addSubModel('FLOAT', ['N', 2]));
    expect(model.config.max_batch_size).toBe(4);
    expect(model.config.input.map(({ dims }) => dims)).toEqual([[2], [2]]);
    const response = await run(model, addInputs, ['OUTPUT1', 'OUTPUT0']).answer;
    expect(response.outputs.map(({ name }) => name)).toEqual(['OUTPUT1', 'OUTPUT0']);
    const values = response.outputs.map(({ data }) => [
      ...new Float32Array(data.buffer, data.byteOffset, 2),
    ]);
    expect(values).toEqual([
      [-9, -18],
      [11, 22],
    ]);
  });

  it('fills in the times of an execution, in order', async () => {
    const model = await load(addSubModel('FLOAT', ['N', 2]));
    const { answer, execution } = run(model, addInputs, ['OUTPUT0']);
    await answer;
    const times = [
      execution.computeStartNs,
      execution.computeInputEndNs,
      execution.computeOutputStartNs,
      execution.computeEndNs,
    ];
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThan(0);
  });

  it('runs a small model on the event loop once it has seen how quick it is', async () => {
    const model = await load(addSubModel('FLOAT', ['N', 2]));
    const first = run(model, addInputs, ['OUTPUT0']);
    expect(first.free).not.toBe(null);
    await first.answer;
    await first.free;
    let inline = false;
    for (let i = 0; i < 50 && !inline; i++) {
      const next = run(model, addInputs, ['OUTPUT0']);
      inline = next.free === null;
      await next.answer;
      await next.free;
    }
    expect(inline).toBe(true);
  });

  it('stops a run that nobody waits for any more, and runs the next one', async () => {
    const model = await load(countingModel());
    const count = (to: bigint): Tensor => ({
      name: 'COUNT',
      dataType: 'INT64',
      shape: [],
      data: new Uint8Array(BigInt64Array.of(to).buffer),
    });
    const long = run(model, [count(1_000_000_000n)], ['OUTPUT']);
    setImmediate(() => long.cancellation.cancel());
    await expect(long.answer).rejects.toMatchObject({ code: 'CANCELLED' });
    await long.free;
    const short = await run(model, [count(3n)], ['OUTPUT']).answer;
    expect(short.outputs).toHaveLength(1);
  });

  it('gives each instance its name, all on one session', async () => {
    const model = await load(
      addSubModel('FLOAT', ['N', 2]),
      'instance_group [ { count: 3 kind: KIND_CPU } ]',
    );
    expect(model.instances.map(({ name }) => name)).toEqual(['m_0_0', 'm_0_1', 'm_0_2']);
  });

  it('fails one request and not the model', async () => {
    const model = await load(addSubModel('FLOAT', ['N', 2]));
    const wrong = run(
      model,
      [floats('INPUT0', [1, 3], [1, 2, 3]), addInputs[1] as Tensor],
      ['OUTPUT0'],
    );
    await expect(wrong.answer).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringMatching(/^onnx runtime error \d+: /u),
    });
    await wrong.free;
    await run(model, addInputs, ['OUTPUT0']).answer;
  });

  it('holds the configuration against the model', async () => {
    const io = (type: string): string => `
      input [ { name: "INPUT0" data_type: ${type} dims: [ 2 ] }, { name: "INPUT1" data_type: TYPE_FP32 dims: [ 2 ] } ]
      output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2 ] } ]`;
    const file = addSubModel('FLOAT', ['N', 2]);
    await load(file, `max_batch_size: 8 ${io('TYPE_FP32')}`, false);
    await expect(load(file, `max_batch_size: 8 ${io('TYPE_INT32')}`, false)).rejects.toThrow(
      "unable to load model 'm', configuration expects datatype TYPE_INT32 for input 'INPUT0', model provides TYPE_FP32",
    );
  });

  it('says which file is missing, and what ONNX Runtime says of one that is none', async () => {
    await expect(load(null)).rejects.toThrow(/^failed to stat file .*\/1\/model\.onnx$/u);
    await expect(load(Buffer.from('nonsense'))).rejects.toThrow(
      /^onnx runtime error 7: Load model from .* failed:Protobuf parsing failed\.$/u,
    );
  });

  it('writes a profile when it is told to', async () => {
    const prefix = join(root, 'profile');
    const model = await load(
      addSubModel('FLOAT', ['N', 2]),
      `parameters { key: "profiling" value { string_value: "${prefix}" } }`,
    );
    await run(model, addInputs, ['OUTPUT0']).answer;
    models = [];
    await model.unload();
    expect(readdirSync(root).some((name) => name.startsWith('profile'))).toBe(true);
  });
});
