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

/** What one request of a batch is. */
interface Asked {
  readonly inputs: readonly Tensor[];
  readonly names: readonly string[];
}

/** Executes one batch; a promise for each of its requests. */
function settlements(model: BackendModel, batch: readonly Asked[]): Promise<readonly Tensor[]>[] {
  const executions: Execution[] = [];
  const answers = batch.map(
    ({ inputs, names }) =>
      new Promise<readonly Tensor[]>((resolve, reject) => {
        const request = {
          id: '',
          inputs,
          outputNames: names,
          batchSize: inputs[0]?.shape[0],
          cancellation: new Cancellation(),
        };
        executions.push({
          request: request as never,
          sink: { respond: (response) => resolve(response?.outputs ?? []), fail: reject },
          queueStartNs: 0,
          computeStartNs: 0,
          computeInputEndNs: 0,
          computeOutputStartNs: 0,
          computeEndNs: 0,
        });
      }),
  );
  void model.instances[0]?.execute(executions);
  return answers;
}

function runBatch(model: BackendModel, batch: readonly Asked[]): Promise<(readonly Tensor[])[]> {
  return Promise.all(settlements(model, batch));
}

function floatsOf({ data }: Tensor): number[] {
  return [...new Float32Array(Uint8Array.from(data).buffer)];
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

  it('is free before its answers are out, and no answer overtakes an earlier one', async () => {
    const runTwo = async (): Promise<{ inline: boolean; order: string[] }> => {
      const model = await load(addSubModel('FLOAT', ['N', 2]));
      const order: string[] = [];
      const first = run(model, addInputs, ['OUTPUT0']);
      void first.answer.then(() => order.push('first'));
      await first.free;
      expect(first.execution.detached).toBe(true);
      expect(first.execution.computeEndNs).toBeGreaterThan(0);
      const second = run(model, addInputs, ['OUTPUT0']);
      void second.answer.then(() => order.push('second'));
      await Promise.all([first.answer, second.answer]);
      return { inline: second.free === null, order };
    };
    // The second one runs on the event loop if the machine let the first one be quick.
    let two = await runTwo();
    for (let i = 0; i < 50 && !two.inline; i++) two = await runTwo();
    expect(two).toEqual({ inline: true, order: ['first', 'second'] });
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

  it('runs several requests as one, and answers each with its rows', async () => {
    const model = await load(addSubModel('FLOAT', ['N', 2]));
    const rows = [
      [1, 2],
      [3, 4, 5, 6],
      [7, 8],
    ];
    const batch = rows.map((values, i) => {
      const shape = [values.length / 2, 2];
      const inputs = [floats('INPUT0', shape, values), floats('INPUT1', shape, values)];
      return { inputs, names: i === 1 ? ['OUTPUT1', 'OUTPUT0'] : ['OUTPUT0'] };
    });
    const answers = await runBatch(model, batch);
    expect(answers.map((answer) => answer.map(({ name, shape }) => [name, ...shape]))).toEqual([
      [['OUTPUT0', 1, 2]],
      [
        ['OUTPUT1', 2, 2],
        ['OUTPUT0', 2, 2],
      ],
      [['OUTPUT0', 1, 2]],
    ]);
    const sums = answers.map((answer) => floatsOf(answer.at(-1) as Tensor));
    expect(sums).toEqual(rows.map((values) => values.map((value) => value * 2)));
  });

  it('fails every request of a batch that fails, with the text of ONNX Runtime', async () => {
    const model = await load(addSubModel('FLOAT', ['N', 2]));
    const misfit = {
      inputs: [floats('INPUT0', [1, 2], [1, 2]), floats('INPUT1', [1, 3], [1, 2, 3])],
      names: ['OUTPUT0'],
    };
    const failures = await Promise.allSettled(settlements(model, [misfit, misfit]));
    for (const failure of failures) {
      expect(failure).toMatchObject({
        status: 'rejected',
        reason: { code: 'INTERNAL', message: expect.stringMatching(/^onnx runtime error \d+: /u) },
      });
    }
    expect(failures).toHaveLength(2);
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
