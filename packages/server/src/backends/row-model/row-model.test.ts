import {
  defaultRequestParameters,
  type ModelConfig,
  type ModelInstanceGroup,
  parseModelConfigText,
  type Tensor,
  type TritonError,
} from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import type { Backend, BackendInstance, BackendModel } from '../../core/backend.ts';
import { Cancellation } from '../../core/cancellation.ts';
import type { Execution } from '../../core/execution.ts';
import { silentLogger } from '../../core/logger.ts';
import type { SequenceStates } from '../../core/sequence-states.ts';
import { DynaSequenceBackend } from '../dyna-sequence/dyna-sequence-backend.ts';
import { ImplicitStateBackend } from '../implicit-state/implicit-state-backend.ts';
import { IterativeSequenceBackend } from '../iterative-sequence/iterative-sequence-backend.ts';
import { QueryBackend } from '../query/query-backend.ts';
import { SequenceBackend } from '../sequence/sequence-backend.ts';

const vector =
  'input [ { name: "INPUT" data_type: TYPE_INT32 dims: [ -1 ] } ] output [ { name: "OUTPUT" data_type: TYPE_INT32 dims: [ -1 ] } ]';
const flag = (name: string): string =>
  `control_input { name: "${name}" control { kind: CONTROL_SEQUENCE_${name} int32_false_true: [ 0, 1 ] } }`;
const id = (type: string): string =>
  `control_input { name: "CORRID" control { kind: CONTROL_SEQUENCE_CORRID data_type: ${type} } }`;
const sequences = (controls: string): string => `${vector} sequence_batching { ${controls} }`;

const clock = new ManualClock();

function configOf(fields: string): ModelConfig {
  const text = `name: "m" max_batch_size: 4 instance_group { kind: KIND_CPU count: 1 } ${fields}`;
  return parseModelConfigText(text, 'config.pbtxt');
}

async function load(backend: Backend, fields: string): Promise<BackendInstance> {
  return (await loadModel(backend, fields)).instances[0] as BackendInstance;
}

function loadModel(backend: Backend, fields: string): Promise<BackendModel> {
  return backend.loadModel({
    modelName: 'm',
    version: 1,
    modelDirectory: '',
    versionDirectory: '',
    config: configOf(fields),
    configSource: null,
    autoComplete: true,
    backendConfig: new Map(),
    logger: silentLogger,
    clock,
  });
}

function int32(name: string, ...values: number[]): Tensor {
  const data = new Uint8Array(Int32Array.from(values).buffer);
  return { name, dataType: 'INT32', shape: [1, values.length], data };
}

/** Executes one request; gives its outputs' values, or the text of its error. */
function execute(
  instance: BackendInstance,
  inputs: readonly Tensor[],
  more: Partial<Execution> = {},
): Record<string, number[]> | string {
  let answer: Record<string, number[]> | string = 'nothing';
  const execution = {
    request: {
      id: '',
      parameters: defaultRequestParameters,
      inputs,
      outputNames: ['OUTPUT'],
      batchSize: 1,
      cancellation: new Cancellation(),
      startNs: 0,
    },
    sink: {
      respond(response: { outputs: readonly Tensor[] } | null) {
        const outputs = response?.outputs ?? [];
        answer = Object.fromEntries(
          outputs.map(({ name, data }) => [name, [...new Int32Array(data.buffer)]]),
        );
      },
      fail(error: TritonError) {
        answer = `${error.code}: ${error.message}`;
      },
    },
    queueStartNs: 0,
    computeStartNs: 0,
    computeInputEndNs: 0,
    computeOutputStartNs: 0,
    computeEndNs: 0,
    ...more,
  } as Execution;
  void instance.execute([execution]);
  return answer;
}

it('takes instances on the CPU while it serves, each with sums of its own', async () => {
  const controls = `direct { } ${flag('START')} ${flag('READY')}`;
  const model = await loadModel(new SequenceBackend(), sequences(controls));
  const { config } = model;
  const group = config.instance_group[0] as ModelInstanceGroup;
  const place = (kind: 'KIND_CPU' | 'KIND_GPU') => ({
    name: 'm_0_1',
    group: { ...group, kind },
    device: 0,
  });
  expect(model.acceptsInstance?.(place('KIND_CPU'))).toBe(true);
  expect(model.acceptsInstance?.(place('KIND_GPU'))).toBe(false);
  const added = (await model.addInstance?.(place('KIND_CPU'), config)) as BackendInstance;
  const sum = (instance: BackendInstance | undefined, start: number) =>
    execute(instance as BackendInstance, [
      int32('INPUT', 5),
      int32('START', start),
      int32('READY', 1),
    ]);
  expect(sum(model.instances[0], 1)).toEqual({ OUTPUT: [5] });
  expect(sum(model.instances[0], 0)).toEqual({ OUTPUT: [10] });
  expect(sum(added, 0)).toEqual({ OUTPUT: [5] });
  expect(added.name).toBe('m_0_1');
});

describe('sequence', () => {
  it('adds up the inputs of a sequence by row', async () => {
    const instance = await load(
      new SequenceBackend(),
      sequences(`${flag('START')} ${flag('READY')}`),
    );
    const send = (start: number, ready: number, ...values: number[]) =>
      execute(instance, [int32('INPUT', ...values), int32('START', start), int32('READY', ready)]);
    expect(send(1, 1, 3, 4)).toEqual({ OUTPUT: [7, 7] });
    expect(send(0, 0, 100)).toEqual({});
    expect(send(0, 1, 2)).toEqual({ OUTPUT: [9] });
    expect(send(1, 1, 2 ** 31 - 1, 1)).toEqual({ OUTPUT: [-(2 ** 31), -(2 ** 31)] });
  });

  it.each<[string, string]>([
    [vector, "a model of the 'sequence' backend must have sequence_batching"],
    [sequences(flag('START')), "'START' and 'READY' must be configured as the control inputs"],
    [
      `sequence_batching { ${flag('START')} ${flag('READY')} } input { name: "X" data_type: TYPE_INT32 dims: [ 1 ] }`,
      "model input must be named 'INPUT'",
    ],
    [
      `${sequences(`${flag('START')} ${flag('READY')}`)} parameters { key: "execute_delay_ms" value: { string_value: "x" } }`,
      "parameter 'execute_delay_ms' of model 'm' must be a whole number from 0 to 86400000, got 'x'",
    ],
  ])('refuses %s', async (fields, message) => {
    await expect(load(new SequenceBackend(), fields)).rejects.toMatchObject({
      code: 'INVALID_ARG',
      message,
    });
  });
});

describe('dyna_sequence', () => {
  const controls = `${flag('START')} ${flag('END')} ${flag('READY')}`;

  it('adds up by correlation id, and the id to the last', async () => {
    const instance = await load(
      new DynaSequenceBackend(),
      sequences(`${controls} ${id('TYPE_UINT64')}`),
    );
    const send = (sequence: bigint, start: number, end: number, value: number) =>
      execute(instance, [
        int32('INPUT', value),
        int32('START', start),
        int32('END', end),
        int32('READY', 1),
        {
          name: 'CORRID',
          dataType: 'UINT64',
          shape: [1, 1],
          data: new Uint8Array(BigUint64Array.of(sequence).buffer),
        },
      ]);
    expect(send(5n, 1, 0, 1)).toEqual({ OUTPUT: [1] });
    expect(send(2n ** 32n + 6n, 1, 0, 10)).toEqual({ OUTPUT: [10] });
    expect(send(5n, 0, 1, 2)).toEqual({ OUTPUT: [8] });
    expect(send(2n ** 32n + 6n, 0, 1, 10)).toEqual({ OUTPUT: [26] });
  });

  it('takes numbers as text, and nothing else', async () => {
    const instance = await load(
      new DynaSequenceBackend(),
      sequences(`${controls} ${id('TYPE_STRING')}`),
    );
    const send = (text: string) =>
      execute(instance, [
        int32('INPUT', 1),
        ...['START', 'END', 'READY'].map((name) => int32(name, 1)),
        {
          name: 'CORRID',
          dataType: 'BYTES',
          shape: [1, 1],
          data: Buffer.concat([Buffer.from([text.length, 0, 0, 0]), Buffer.from(text)]),
        },
      ]);
    expect(send('41')).toEqual({ OUTPUT: [42] });
    expect(send('session')).toBe(
      'INVALID_ARG: dyna sequence backend expects correlation ID to be decodable into an integer',
    );
  });
});

describe('implicit_state', () => {
  const controls = `${flag('START')} ${flag('END')} ${flag('READY')}`;
  const flags = [int32('START', 1), int32('END', 0), int32('READY', 1)];

  it('tells of a model that has no states', async () => {
    const instance = await load(new ImplicitStateBackend(), sequences(controls));
    const inputs = [int32('INPUT', 1), int32('TEST_CASE', 0), ...flags];
    expect(execute(instance, inputs)).toBe(
      "INVALID_ARG: unable to add state 'undefined_state'. State configuration is missing for model 'm'.",
    );
  });

  it('writes a state without saying so', async () => {
    const instance = await load(new ImplicitStateBackend(), sequences(controls));
    const commits: string[] = [];
    const states: SequenceStates = {
      outputNames: ['OUTPUT_STATE'],
      allocate: (_name, _type, _shape, byteLength) => new Uint8Array(byteLength),
      commit: (name) => commits.push(name),
    };
    const inputs = [int32('INPUT', 2), int32('TEST_CASE', 1), int32('INPUT_STATE', 40), ...flags];
    expect(execute(instance, inputs, { states })).toEqual({ OUTPUT: [42] });
    expect(commits).toEqual([]);
  });
});

describe('iterative_sequence', () => {
  it('gives a request back until it is counted down, and says so when nobody takes it', async () => {
    const instance = await load(new IterativeSequenceBackend(), vector);
    const rescheduled: string[] = [];
    const run = async (reschedule: () => void) => {
      const answers: string[] = [];
      const sink = {
        respond: (response: { outputs: readonly Tensor[] } | null, final: boolean) =>
          answers.push(`${response?.outputs[0]?.data[0]} ${final}`),
        fail: (error: TritonError) => answers.push(error.message),
      };
      execute(instance, [int32('INPUT', 2)], { sink, reschedule });
      clock.advanceMs(500);
      await new Promise((resolve) => setImmediate(resolve));
      return answers;
    };
    expect(await run(() => rescheduled.push('again'))).toEqual(['1 false']);
    expect(await run(() => rescheduled.push('again'))).toEqual(['0 true']);
    expect(rescheduled).toEqual(['again']);
  });
});

describe('query', () => {
  const fields =
    'input { name: "INPUT" data_type: TYPE_UINT8 dims: [ 1 ] } output [ { name: "OUTPUT0" data_type: TYPE_UINT8 dims: [ -1 ] }, { name: "OUTPUT1" data_type: TYPE_UINT8 dims: [ -1 ] } ]';
  const run = async (environment: Record<string, string>) =>
    execute(await load(new QueryBackend(environment), fields), []);

  it('answers with as many bytes as the environment says, or with what it asked for', async () => {
    expect(await run({ TEST_BYTE_SIZE: '8' })).toEqual({ OUTPUT0: [0, 0], OUTPUT1: [0, 0] });
    expect(await run({ TEST_BYTE_SIZE: '8', TEST_ANONYMOUS: '' })).toEqual({
      OUTPUT0: [0],
      OUTPUT1: [0],
    });
    expect(await run({ TEST_FAIL_WITH_QUERY_RESULT: '1' })).toBe(
      'UNKNOWN: OUTPUT0 CPU 0; OUTPUT1 CPU 0; ',
    );
    expect(await run({ TEST_FAIL_WITH_QUERY_RESULT: '1', TEST_ANONYMOUS: '1' })).toBe(
      'UNKNOWN: NULL CPU 0; ',
    );
  });
});
