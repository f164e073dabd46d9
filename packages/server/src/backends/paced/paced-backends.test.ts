import {
  type ModelInstanceGroup,
  parseModelConfigText,
  type Tensor,
  type TritonError,
} from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import type { Backend, BackendModel } from '../../core/backend.ts';
import { Cancellation } from '../../core/cancellation.ts';
import type { Execution } from '../../core/execution.ts';
import { silentLogger } from '../../core/logger.ts';
import { noGpus, normaliseInstanceGroups } from '../../model-config/instance-groups.ts';
import { RepeatBackend } from '../repeat/repeat-backend.ts';
import { SquareBackend } from '../square/square-backend.ts';

const clock = new ManualClock();

function load(backend: Backend, config: string): Promise<BackendModel> {
  const parsed = parseModelConfigText(`name: "m" backend: "${backend.name}" ${config}`, 'c');
  return backend.loadModel({
    modelName: 'm',
    version: 1,
    modelDirectory: '/m',
    versionDirectory: '/m/1',
    config: normaliseInstanceGroups(parsed, noGpus),
    configSource: null,
    autoComplete: true,
    backendConfig: new Map(),
    logger: silentLogger,
    clock,
  });
}

function int(name: string, shape: readonly number[], ...values: number[]): Tensor {
  const data = new Uint8Array(Int32Array.from(values).buffer);
  return { name, dataType: 'INT32', shape, data };
}

const value = ({ name, data }: Tensor): string =>
  `${name}=${new Int32Array(data.buffer, data.byteOffset)[0]}`;

function run(model: BackendModel, inputs: readonly Tensor[], parent: unknown = null) {
  const seen: string[] = [];
  const told: string[] = [];
  const cancellation = new Cancellation();
  const outputNames = model.config.output.map(({ name }) => name).sort();
  const execution = {
    request: { id: 'r', inputs, outputNames, batchSize: 1, cancellation, parent },
    sink: {
      respond: (response: { outputs: Tensor[] } | null, final: boolean) =>
        seen.push(`${response?.outputs.map(value).join() ?? 'end'}${final ? '!' : ''}`),
      fail: (error: TritonError, answer?: { final: boolean }) =>
        seen.push(`${error.message}${answer?.final === false ? '' : '!'}`),
    },
    reportResponse: (index: number, outcome: string, inferNs: number, outputNs: number) =>
      told.push(`${index} ${outcome} ${inferNs}+${outputNs}`),
  } as unknown as Execution;
  const freed = model.instances[0]?.execute([execution]);
  return { seen, told, freed, cancellation };
}

const squareIo = `input [ { name: "IN" data_type: TYPE_INT32 dims: [ 1 ] } ]
  output [ { name: "OUT" data_type: TYPE_INT32 dims: [ 1 ] } ]`;
const repeatIo = `input [ { name: "IN" data_type: TYPE_INT32 dims: [ -1 ] },
    { name: "DELAY" data_type: TYPE_UINT32 dims: [ -1 ] }, { name: "WAIT" data_type: TYPE_UINT32 dims: [ 1 ] } ]
  output [ { name: "OUT" data_type: TYPE_INT32 dims: [ 1 ] }, { name: "IDX" data_type: TYPE_UINT32 dims: [ 1 ] } ]`;
const parameter = (key: string, text: string): string =>
  `parameters { key: "${key}" value { string_value: "${text}" } }`;

it.each([
  [new SquareBackend(), squareIo],
  [new RepeatBackend(), repeatIo],
])('instances are added while the model serves', async (backend, io) => {
  const model = await load(backend, io);
  const { config } = model;
  const place = { name: 'm_0_1', group: config.instance_group[0] as ModelInstanceGroup, device: 0 };
  expect(model.acceptsInstance?.(place)).toBe(true);
  expect((await model.addInstance?.(place, config))?.name).toBe('m_0_1');
});

describe('square', () => {
  it('answers as often as its input says', async () => {
    const model = await load(new SquareBackend(), squareIo);
    expect(run(model, [int('IN', [1], 3)]).seen).toEqual(['OUT=3', 'OUT=3', 'OUT=3', 'end!']);
    expect(run(model, [int('IN', [1, 1], 0)]).seen).toEqual(['end!']);
  });

  it('refuses what it cannot count', async () => {
    const model = await load(new SquareBackend(), squareIo);
    expect(run(model, [int('IN', [2, 1], 1, 1)]).seen).toEqual(['unexpected shape for IN input!']);
    expect(run(model, [int('IN', [1], -1)]).seen).toEqual(['IN must not be negative, got -1!']);
  });

  it('fails some of the last answers and leaves some out', async () => {
    const settings = parameter('CUSTOM_FAIL_COUNT', '1') + parameter('CUSTOM_EMPTY_COUNT', '2');
    const model = await load(new SquareBackend(), `${squareIo} ${settings}`);
    const { seen } = run(model, [int('IN', [1], 4)]);
    expect(seen).toEqual(['OUT=4', 'simulated failure', 'end!']);
  });

  it('stops after the answer under way when nobody waits any more', async () => {
    const settings =
      parameter('CUSTOM_INFER_DELAY_NS', '5000000') +
      parameter('CUSTOM_CANCEL_DELAY_NS', '3000000');
    const model = await load(new SquareBackend(), `${squareIo} ${settings}`);
    const { seen, told, cancellation } = run(model, [int('IN', [1], 4)]);
    clock.advanceMs(7);
    cancellation.cancel();
    expect(seen).toEqual(['OUT=4']);
    clock.advanceMs(5);
    expect(seen).toEqual(['OUT=4', 'OUT=4']);
    clock.advanceMs(1);
    expect(seen.slice(2)).toEqual(['the request was cancelled while it was executed!']);
    expect(told).toEqual(['0 success 4999999+1', '1 success 4999999+1', '2 cancel 3000000+0']);
    expect(clock.timerCount).toBe(0);
  });

  it('tells how long each answer took', async () => {
    const settings = [
      parameter('CUSTOM_INFER_DELAY_NS', '4000000'),
      parameter('CUSTOM_OUTPUT_DELAY_NS', '2000000'),
      parameter('CUSTOM_FAIL_COUNT', '1'),
      parameter('CUSTOM_EMPTY_COUNT', '1'),
    ].join(' ');
    const model = await load(new SquareBackend(), `${squareIo} ${settings}`);
    const { told } = run(model, [int('IN', [1], 3)]);
    clock.advanceMs(16);
    expect(told).toEqual([
      '0 success 4000000+2000000',
      '1 fail 4000000+2000000',
      '2 empty_response 4000000+0',
    ]);
  });

  it('gives others a turn, and waits for those who cannot keep up', async () => {
    const model = await load(new SquareBackend(), squareIo);
    const many = run(model, [int('IN', [1], 100)]);
    expect(many.seen).toHaveLength(64);
    clock.advanceMs(0);
    expect(many.seen).toHaveLength(101);
    const parent = { congested: true, whenRelieved: (next: () => void) => waiting.push(next) };
    const waiting: (() => void)[] = [];
    const held = run(model, [int('IN', [1], 2)], parent);
    expect(held.seen).toEqual([]);
    parent.congested = false;
    waiting[0]?.();
    clock.advanceMs(0);
    expect(held.seen).toEqual(['OUT=2', 'OUT=2', 'end!']);
  });

  it('refuses other tensors', async () => {
    const square = new SquareBackend();
    const wrong = (a: string, b: string) => load(square, squareIo.replace(a, b));
    await expect(wrong('"IN"', '"X"')).rejects.toThrow(
      'expected first input tensor name to be IN, got X',
    );
    await expect(wrong('TYPE_INT32', 'TYPE_FP32')).rejects.toThrow(
      'expected IN datatype to be INT32, got TYPE_FP32',
    );
    await expect(wrong('[ 1 ]', '[ 2 ]')).rejects.toThrow('expected IN shape to be [1], got [2]');
  });
});

describe('repeat', () => {
  it('answers each element after its delay, and takes the next request after the wait', async () => {
    const model = await load(new RepeatBackend(), repeatIo);
    const inputs = [int('IN', [2], 7, 8), int('DELAY', [2], 0, 20), int('WAIT', [1], 30)];
    const { seen, freed } = run(model, inputs);
    expect(seen).toEqual(['IDX=0,OUT=7']);
    clock.advanceMs(20);
    expect(seen).toEqual(['IDX=0,OUT=7', 'IDX=1,OUT=8', 'end!']);
    clock.advanceMs(10);
    await freed;
  });

  it('refuses batches, and delays for other elements than there are', async () => {
    const repeat = new RepeatBackend();
    await expect(load(repeat, `${repeatIo} max_batch_size: 1`)).rejects.toThrow(
      'repeat backend only supports models with max_batch_size == 0',
    );
    const model = await load(repeat, repeatIo);
    const { seen } = run(model, [int('IN', [1], 7), int('DELAY', [2], 0, 0), int('WAIT', [1], 0)]);
    expect(seen).toEqual(['expected IN and DELAY shape to match, got [1] and [2]!']);
  });
});
