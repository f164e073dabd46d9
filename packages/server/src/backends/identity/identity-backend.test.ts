import { parseModelConfigText, type Tensor, type TritonError } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import type { BackendModel } from '../../core/backend.ts';
import { Cancellation } from '../../core/cancellation.ts';
import type { InferResponse } from '../../core/infer-response.ts';
import { silentLogger } from '../../core/logger.ts';
import { noGpus, normaliseInstanceGroups } from '../../model-config/instance-groups.ts';
import { IdentityBackend } from './identity-backend.ts';

const pair = `input [ { name: "INPUT0" data_type: TYPE_INT32 dims: [ -1 ] } ]
  output [ { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ -1 ] } ]`;
const parameter = (key: string, value: string): string =>
  `parameters { key: "${key}" value { string_value: "${value}" } }`;

function load(config: string, clock = new ManualClock()): Promise<BackendModel> {
  const parsed = parseModelConfigText(`name: "m" backend: "identity"\n${config}`, 'config.pbtxt');
  return new IdentityBackend().loadModel({
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

const tensor: Tensor = {
  name: 'INPUT0',
  dataType: 'INT32',
  shape: [2],
  data: new Uint8Array(Int32Array.of(4, 5).buffer),
};

function run(model: BackendModel, instance = 0, inputs: readonly Tensor[] = [tensor]) {
  const cancellation = new Cancellation();
  const seen: (InferResponse | TritonError)[] = [];
  const free = model.instances[instance]?.execute([
    {
      request: {
        id: 'r',
        inputs,
        outputNames: model.config.output.map(({ name }) => name),
        batchSize: 1,
        cancellation,
      } as never,
      sink: {
        respond: (response) => seen.push(response as InferResponse),
        fail: (error: TritonError) => seen.push(error),
      },
      queueStartNs: 0,
      computeStartNs: 0,
      computeInputEndNs: 0,
      computeOutputStartNs: 0,
      computeEndNs: 0,
    },
  ]);
  return { seen, free, cancellation };
}

describe('IdentityBackend', () => {
  it('answers with the memory that it was given', async () => {
    const { seen, free } = run(await load(pair));
    expect(free).toBe(null);
    const [response] = seen as InferResponse[];
    expect(response?.outputs).toEqual([{ ...tensor, name: 'OUTPUT0' }]);
    expect(response?.outputs[0]?.data).toBe(tensor.data);
    expect(response?.parameters.get('param1')).toEqual({ kind: 'int', value: 42n });
  });

  it('takes its time when told to, each instance its own', async () => {
    const clock = new ManualClock();
    const model = await load(
      `${pair} ${parameter('execute_delay_ms', '10')} ${parameter('instance_wise_delay_multiplier', '3')}
      instance_group [ { count: 2 kind: KIND_CPU } ]`,
      clock,
    );
    const first = run(model, 0);
    const second = run(model, 1);
    clock.advanceMs(9);
    expect(first.seen).toEqual([]);
    clock.advanceMs(1);
    expect(first.seen).toHaveLength(1);
    clock.advanceMs(19);
    expect(second.seen).toEqual([]);
    clock.advanceMs(1);
    expect(second.seen).toHaveLength(1);
    await Promise.all([first.free, second.free]);
  });

  it('does not sit a delay out that nobody waits for', async () => {
    const clock = new ManualClock();
    const model = await load(`${pair} ${parameter('execute_delay_ms', '60000')}`, clock);
    const { seen, free, cancellation } = run(model);
    cancellation.cancel();
    await free;
    expect(seen).toMatchObject([{ code: 'CANCELLED' }]);
    expect(clock.timerCount).toBe(0);
  });

  it('delays its creation when told to', async () => {
    const clock = new ManualClock();
    let loaded = false;
    const model = load(`${pair} ${parameter('creation_delay_sec', '2')}`, clock).then((made) => {
      loaded = true;
      return made;
    });
    clock.advanceMs(1999);
    await Promise.resolve();
    expect(loaded).toBe(false);
    clock.advanceMs(1);
    await model;
  });

  it('answers zeros for an optional input that was left out', async () => {
    const model = await load(`
      input [ { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] optional: true } ]
      output [ { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] } ]`);
    const [response] = run(model, 0, []).seen as InferResponse[];
    expect([...(response?.outputs[0]?.data ?? [])]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it.each([
    [
      'input [ { name: "A" data_type: TYPE_INT32 dims: [ 1 ] } ]',
      'must have equal input/output pairs',
    ],
    [
      pair.replaceAll('INPUT0', 'IN'),
      "expected input name to follow INPUT<index> pattern, got 'IN'",
    ],
    [pair.replace('OUTPUT0', 'OUTPUT1'), 'expected input and output indices to match'],
    [pair.replace('TYPE_INT32', 'TYPE_FP32'), 'expected input and output datatype to match'],
    [pair.replace('-1', '3'), 'expected input and output shape to match, got [3] and [-1]'],
    [`${pair} ${parameter('execute_delay_ms', 'soon')}`, "parameter 'execute_delay_ms'"],
  ])('refuses a configuration that makes no pairs (%#)', async (config, text) => {
    await expect(load(config)).rejects.toThrow(text);
  });
});
