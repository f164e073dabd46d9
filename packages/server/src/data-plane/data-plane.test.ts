import {
  defaultRequestParameters,
  emptyModelConfig,
  type InferRequestMessage,
  type ModelConfig,
  modelConfigFromJson,
  type Tensor,
  TritonError,
} from '@nereid/protocol';
import { FakeModelRegistry, FakeServedModel, ManualClock, RecordingTrace } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../core/cancellation.ts';
import type { InferResponse, ResponseSink } from '../core/infer-response.ts';
import { silentLogger } from '../core/logger.ts';
import { DataPlane } from './data-plane.ts';

const addSub = {
  max_batch_size: 8,
  input: [
    { name: 'INPUT0', data_type: 'TYPE_FP32', dims: [4] },
    { name: 'INPUT1', data_type: 'TYPE_FP32', dims: [4] },
  ],
  output: [
    { name: 'OUTPUT1', data_type: 'TYPE_FP32', dims: [4] },
    { name: 'OUTPUT0', data_type: 'TYPE_FP32', dims: [4] },
  ],
};

class CollectingSink implements ResponseSink {
  readonly responses: (InferResponse | null)[] = [];
  error: TritonError | null = null;
  ended = 0;

  respond(response: InferResponse | null, final: boolean): void {
    this.responses.push(response);
    if (final) this.ended++;
  }

  fail(error: TritonError): void {
    this.error = error;
    this.ended++;
  }
}

/** What a test says of a request; the rest is as a decoder fills it in. */
interface PartialMessage {
  readonly id?: string;
  readonly inputs?: readonly Tensor[];
  readonly outputs?: readonly { readonly name: string }[];
  readonly rawInput?: Uint8Array;
  readonly sequenceId?: string;
}

function inferRequestMessage(message: PartialMessage): InferRequestMessage {
  return {
    id: message.id ?? '',
    parameters: { ...defaultRequestParameters, sequenceId: message.sequenceId ?? null },
    inputs: message.inputs ?? [],
    rawInput: message.rawInput ?? null,
    outputs: (message.outputs ?? []).map(({ name }) => ({
      name,
      binary: false,
      classificationCount: 0,
      sharedMemory: null,
    })),
  };
}

function served(config: object, execute?: ConstructorParameters<typeof FakeServedModel>[0]) {
  const parsed = { ...emptyModelConfig(), ...modelConfigFromJson(JSON.stringify(config)) };
  return new FakeServedModel({
    ...execute,
    name: 'm',
    config: { ...parsed, name: 'm' } as ModelConfig,
  });
}

function tensor(name: string, shape: number[], more: Partial<Tensor> = {}): Tensor {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return { name, dataType: 'FP32', shape, data: new Uint8Array(count * 4), ...more };
}

function strings(name: string, shape: number[], ...texts: string[]): Tensor {
  const data = Buffer.concat(
    texts.map((text) => Buffer.concat([Buffer.from([text.length, 0, 0, 0]), Buffer.from(text)])),
  );
  return { name, dataType: 'BYTES', shape, data };
}

function infer(
  model: FakeServedModel,
  message: PartialMessage,
  trace: RecordingTrace | null = null,
): CollectingSink {
  const plane = new DataPlane({
    registry: new FakeModelRegistry([model]),
    clock: new ManualClock(),
    logger: silentLogger,
  });
  const sink = new CollectingSink();
  plane.infer(model, inferRequestMessage(message), new Cancellation(), sink, trace);
  return sink;
}

function refusal(model: FakeServedModel, message: PartialMessage): string {
  try {
    infer(model, message);
  } catch (error) {
    expect(error).toBeInstanceOf(TritonError);
    expect((error as TritonError).code).toBe('INVALID_ARG');
    expect(model.retained).toBe(0);
    expect(model.scheduler.enqueued).toHaveLength(0);
    expect(model.statistics.counters().failureCounts.OTHER).toBe(0);
    return (error as TritonError).message;
  }
  return 'accepted';
}

const both = [tensor('INPUT0', [1, 4]), tensor('INPUT1', [1, 4])];
const prefix = '[request id: <id_unknown>] ';

describe('a request that fits', () => {
  it('is scheduled as it came, with all outputs in the order of their names', () => {
    const model = served(addSub);
    infer(model, { id: 'a', inputs: both });
    const [{ request } = { request: null }] = model.scheduler.enqueued;
    expect(request).toMatchObject({ id: 'a', batchSize: 1, outputNames: ['OUTPUT0', 'OUTPUT1'] });
    expect(request?.inputs).toBe(both);
    expect(model.retained).toBe(1);
  });

  it('may list its inputs in any order', () => {
    const model = served(addSub);
    infer(model, { inputs: both.toReversed() });
    expect(model.scheduler.enqueued).toHaveLength(1);
  });

  it('gets the outputs that it names, sorted', () => {
    const model = served(addSub);
    infer(model, { inputs: both, outputs: [{ name: 'OUTPUT1' }, { name: 'OUTPUT0' }] });
    infer(model, { inputs: both, outputs: [{ name: 'OUTPUT1' }] });
    const names = model.scheduler.enqueued.map(({ request }) => request.outputNames);
    expect(names).toEqual([['OUTPUT0', 'OUTPUT1'], ['OUTPUT1']]);
  });

  it('is answered once, after which the model is given back', () => {
    const model = served(addSub, {
      execute: () => [tensor('OUTPUT0', [1, 4]), tensor('OUTPUT1', [1, 4])],
    });
    const sink = infer(model, { inputs: both });
    expect(sink.ended).toBe(1);
    expect(sink.responses[0]?.outputs.map((output) => output.name)).toEqual(['OUTPUT0', 'OUTPUT1']);
    expect(model.retained).toBe(0);
  });

  it('keeps the model until the last answer of several', () => {
    const model = served(addSub);
    const sink = infer(model, { inputs: both });
    const [entry] = model.scheduler.enqueued;
    if (entry === undefined) throw new Error('nothing enqueued');
    entry.sink.respond(model.scheduler.response(entry.request, []), false);
    expect(model.retained).toBe(1);
    entry.sink.respond(null, true);
    expect(model.retained).toBe(0);
    entry.sink.respond(null, true);
    entry.sink.fail(new TritonError('INTERNAL', 'late'));
    expect(sink).toMatchObject({ ended: 1, error: null });
  });

  it('gives the model back when it fails, or when the front end does', () => {
    const model = served(addSub, { execute: () => new TritonError('INTERNAL', 'broken') });
    expect(infer(model, { inputs: both }).error?.message).toBe('broken');
    expect(model.retained).toBe(0);
  });

  it('does not get outputs that it did not ask for', () => {
    const model = served(addSub, {
      execute: () => [tensor('OUTPUT0', [1, 4]), tensor('OUTPUT1', [1, 4])],
    });
    const sink = infer(model, { inputs: both, outputs: [{ name: 'OUTPUT1' }] });
    expect(sink.responses[0]?.outputs.map((output) => output.name)).toEqual(['OUTPUT1']);
  });
});

it('gives the model back when the scheduler does not take the request', () => {
  const refused = new TritonError('INVALID_ARG', 'not started');
  const model = served(addSub, {
    execute: () => {
      throw refused;
    },
  });
  const trace = new RecordingTrace();
  expect(() => infer(model, { inputs: both }, trace)).toThrow(refused);
  expect(model.retained).toBe(0);
  expect(trace.lines.at(-1)).toMatch(/END/u);
});

it('refuses a text that is too long to be a sequence id', () => {
  const model = served(addSub);
  const sent = (sequenceId: string) => () => infer(model, { inputs: both, sequenceId });
  expect(sent('é'.repeat(64))).not.toThrow();
  expect(sent(`${'é'.repeat(64)}a`)).toThrow(
    'string correlation ID cannot be longer than 128 characters',
  );
  expect(model.scheduler.enqueued).toHaveLength(1);
});

describe('a request that is traced', () => {
  it('reports its start, its tensors and its end', () => {
    const model = served(addSub, {
      execute: ({ trace }) => {
        trace?.report('COMPUTE_START', 1);
        return [tensor('OUTPUT0', [1, 4]), tensor('OUTPUT1', [1, 4])];
      },
    });
    const trace = new RecordingTrace();
    infer(model, { id: 'a', inputs: both, outputs: [{ name: 'OUTPUT1' }] }, trace);
    expect(trace.lines).toEqual([
      "REQUEST_START m/1 'a' @0",
      'QUEUE_START @0',
      'TENSOR_QUEUE_INPUT INPUT0',
      'TENSOR_QUEUE_INPUT INPUT1',
      'COMPUTE_START @1',
      'TENSOR_BACKEND_OUTPUT OUTPUT1',
      'REQUEST_END @0',
    ]);
  });

  it('ends with the failure of its model, and with the last of several answers', () => {
    const failing = served(addSub, { execute: () => new TritonError('INTERNAL', 'broken') });
    const failed = new RecordingTrace();
    infer(failing, { inputs: both }, failed);
    expect(failed.lines.at(-1)).toBe('REQUEST_END @0');

    const model = served(addSub);
    const trace = new RecordingTrace();
    infer(model, { inputs: both }, trace);
    const [entry] = model.scheduler.enqueued;
    entry?.sink.respond(model.scheduler.response(entry.request, []), false);
    entry?.sink.fail(new TritonError('INTERNAL', 'one of several'), { final: false });
    expect(trace.lines).not.toContain('REQUEST_END @0');
    entry?.sink.respond(null, true);
    expect(trace.lines.filter((line) => line.startsWith('REQUEST_END'))).toHaveLength(1);
  });

  it('is not started when the request is refused', () => {
    const trace = new RecordingTrace();
    expect(() => infer(served(addSub), { inputs: [] }, trace)).toThrow(TritonError);
    expect(trace.lines).toEqual([]);
  });
});

describe('reshape', () => {
  const config = {
    max_batch_size: 4,
    input: [
      { name: 'X', data_type: 'TYPE_FP32', dims: [-1, 2, -1], reshape: { shape: [2, -1, -1, 1] } },
    ],
    output: [{ name: 'Y', data_type: 'TYPE_FP32', dims: [1], reshape: { shape: [] } }],
  };

  it('shows the backend its own shapes, and the client the configured ones', () => {
    const model = served(config, { execute: () => [tensor('Y', [3])] });
    const sink = infer(model, { inputs: [tensor('X', [3, 5, 2, 7])] });
    expect(model.scheduler.enqueued[0]?.request.inputs[0]?.shape).toEqual([3, 2, 5, 7, 1]);
    expect(sink.responses[0]?.outputs[0]?.shape).toEqual([3, 1]);
  });
});

describe('a request that does not fit', () => {
  const model = (): FakeServedModel => served(addSub);

  it.each<[string, PartialMessage, string]>([
    [
      'an input is missing',
      { id: 'rid', inputs: [tensor('INPUT0', [1, 4])] },
      "[request id: rid] expected 2 inputs but got 1 inputs for model 'm'. Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1']. Please provide all required input(s).",
    ],
    [
      'there are none',
      { inputs: [] },
      `${prefix}expected 2 inputs but got 0 inputs for model 'm'. Got input(s) [], but missing required input(s) ['INPUT0','INPUT1']. Please provide all required input(s).`,
    ],
    [
      'there is one more',
      { inputs: [...both, tensor('X', [1, 4])] },
      `${prefix}expected 2 inputs but got 3 inputs for model 'm'. Got input(s) ['X','INPUT1','INPUT0'], but missing required input(s) ]. Please provide all required input(s).`,
    ],
    [
      'another is in the place of one',
      { id: 'rid', inputs: [tensor('INPUT0', [1, 4]), tensor('X', [1, 4])] },
      "unexpected inference input 'X' for model 'm'",
    ],
    [
      'its name is one of every object',
      { inputs: [tensor('__proto__', [1, 4]), tensor('constructor', [1, 4])] },
      "unexpected inference input 'constructor' for model 'm'",
    ],
    [
      'one comes twice',
      { inputs: [tensor('INPUT0', [1, 4]), tensor('INPUT0', [1, 4])] },
      `${prefix}input 'INPUT0' already exists in request`,
    ],
    [
      'an output comes twice',
      { inputs: both, outputs: [{ name: 'OUTPUT0' }, { name: 'OUTPUT0' }] },
      `${prefix}output 'OUTPUT0' already exists in request`,
    ],
    [
      'an output is unknown',
      { inputs: both, outputs: [{ name: 'OUTPUT0' }, { name: 'toString' }] },
      "unexpected inference output 'toString' for model 'm'",
    ],
    [
      'a data type differs',
      { inputs: [tensor('INPUT0', [1, 4], { dataType: 'INT32' }), tensor('INPUT1', [1, 4])] },
      `${prefix}inference input 'INPUT0' data-type is 'INT32', but model 'm' expects 'FP32'`,
    ],
    [
      'there is no batch dimension',
      { inputs: [tensor('INPUT0', []), tensor('INPUT1', [1, 4])] },
      `${prefix}input 'INPUT0' has no shape but model requires batch dimension for 'm'`,
    ],
    [
      'batches differ',
      { inputs: [tensor('INPUT0', [2, 4]), tensor('INPUT1', [1, 4])] },
      `${prefix}input 'INPUT0' batch size does not match other inputs for 'm'`,
    ],
    [
      'the batch is too large',
      { inputs: [tensor('INPUT0', [9, 4]), tensor('INPUT1', [9, 4])] },
      `${prefix}inference request batch-size must be <= 8 for 'm'`,
    ],
    [
      'the shape differs',
      { inputs: [tensor('INPUT0', [1, 1, 4]), tensor('INPUT1', [1, 4])] },
      `${prefix}unexpected shape for input 'INPUT0' for model 'm'. Expected [-1,4], got [1,1,4]. NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be prepended to each input shape. If you want to specify the full shape including the batch dim in your input dims config, try setting max_batch_size to zero. See the model configuration docs for more info on max_batch_size.`,
    ],
    [
      'the data is short',
      {
        inputs: [tensor('INPUT0', [1, 4], { data: new Uint8Array(12) }), tensor('INPUT1', [1, 4])],
      },
      `${prefix}input byte size mismatch for input 'INPUT0' for model 'm'. Expected 16, got 12`,
    ],
    [
      'the batch is 0: the quirk of a forgotten dimension',
      { inputs: [tensor('INPUT0', [0, 4]), tensor('INPUT1', [0, 4])] },
      `${prefix}input byte size mismatch for input 'INPUT1' for model 'm'. Expected 16, got 0`,
    ],
  ])('because %s', (_, message, text) => {
    expect(refusal(model(), message)).toBe(text);
  });

  it('because of 100,000 outputs', () => {
    const outputs = Array.from({ length: 100_000 }, (_, i) => ({ name: `O${i}` }));
    expect(refusal(model(), { inputs: both, outputs })).toBe(
      "unexpected inference output 'O0' for model 'm'",
    );
  });

  it('because its shape has more elements than an int64 counts', () => {
    const config = { input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1, -1] }], output: [] };
    const inputs = [tensor('X', [], { shape: [2 ** 40, 2 ** 40], data: new Uint8Array(4) })];
    expect(refusal(served(config), { inputs })).toBe(
      "byte size for tensor 'X' exceeds maximum size of 9223372036854775807",
    );
  });

  it('because a size is negative, which gRPC can say', () => {
    const config = { input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1, -1] }], output: [] };
    const refused = (shape: number[], more: Partial<Tensor> = {}): string =>
      refusal(served({ ...config, ...(shape.length === 3 ? { max_batch_size: 8 } : {}) }), {
        inputs: [tensor('X', [4], { shape, ...more })],
      });
    expect(refused([-2, -2])).toBe("tensor 'X' contains an invalid dimension [-2,-2]");
    expect(refused([2, -1])).toBe(
      "[request id: <id_unknown>] All input dimensions should be specified for input 'X' for model 'm', got [2,-1]",
    );
    expect(refused([-1, 2, 2])).toBe(
      "[request id: <id_unknown>] inference request batch-size must be <= 8 for 'm'",
    );
    const inputs = ['INPUT0', 'INPUT1'].map((name) => tensor(name, [4], { shape: [-1, 4] }));
    expect(refusal(model(), { inputs })).toBe(
      "[request id: <id_unknown>] input 'INPUT0' batch size does not match other inputs for 'm'",
    );
  });

  it('with sizes of an int64 in the text as they came', () => {
    const inputs = ['INPUT0', 'INPUT1'].map((name) => tensor(name, [4], { shape: [1, 2 ** 63] }));
    expect(refusal(model(), { inputs })).toContain('got [1,9223372036854775807]. NOTE');
  });

  it('with the numbers of optional inputs', () => {
    const config = {
      input: [
        { name: 'A', data_type: 'TYPE_FP32', dims: [1] },
        { name: 'B', data_type: 'TYPE_FP32', dims: [1], optional: true },
      ],
    };
    const optional = served(config);
    infer(optional, { inputs: [tensor('A', [1])] });
    infer(optional, { inputs: [tensor('A', [1]), tensor('B', [1])] });
    expect(optional.scheduler.enqueued).toHaveLength(2);
    expect(refusal(served(config), { inputs: [tensor('B', [1])] })).toBe(
      `${prefix}expected number of inputs between 1 and 2 but got 1 inputs for model 'm'. Got input(s) ['B'], but missing required input(s) ['A']. Please provide all required input(s).`,
    );
  });

  it('because a string is missing, or longer than the data', () => {
    const config = { input: [{ name: 'S', data_type: 'TYPE_STRING', dims: [2] }] };
    expect(refusal(served(config), { inputs: [strings('S', [2], 'a')] })).toBe(
      `${prefix}expected 2 string elements for inference input 'S' for model 'm', got 1`,
    );
    const input = strings('S', [2], 'a', 'bcd');
    const short = { ...input, data: input.data.subarray(0, -1) };
    const overrun = served(config);
    expect(infer(overrun, { inputs: [short] }).error?.message).toBe(
      "incomplete string data for inference input 'S', expecting string of length 3 but only 2 bytes available",
    );
    expect(overrun.statistics.counters().failureCounts.BACKEND).toBe(1);
    expect(overrun.retained).toBe(0);
  });
});

describe('a raw binary request', () => {
  const config = (dims: number[], type = 'TYPE_INT32', maxBatchSize = 8): object => ({
    max_batch_size: maxBatchSize,
    input: [{ name: 'X', data_type: type, dims }],
    output: [{ name: 'Y', data_type: type, dims }],
  });

  it('gets its shape from the configuration and its size', () => {
    const model = served(config([2, -1]));
    infer(model, { rawInput: new Uint8Array(24) });
    expect(model.scheduler.enqueued[0]?.request.inputs[0]).toMatchObject({
      name: 'X',
      dataType: 'INT32',
      shape: [1, 2, 3],
    });
    const unbatched = served(config([5], 'TYPE_INT32', 0));
    infer(unbatched, { rawInput: new Uint8Array(20) });
    expect(unbatched.scheduler.enqueued[0]?.request.inputs[0]?.shape).toEqual([5]);
  });

  it('may be one string', () => {
    const model = served(config([1], 'TYPE_STRING'));
    infer(model, { rawInput: Buffer.from('text') });
    const input = model.scheduler.enqueued[0]?.request.inputs[0];
    expect(Buffer.from(input?.data ?? []).toString('latin1')).toBe('\x04\0\0\0text');
  });

  it.each<[string, object, number, string]>([
    [
      'two inputs',
      addSub,
      32,
      "Raw request must only have 1 input (found 1) to be deduced but got 2 inputs in 'm' model configuration",
    ],
    [
      'two sizes that vary',
      config([-1, -1]),
      12,
      "The shape of the raw input 'X' can not be deduced because there are more than one variable-sized dimension",
    ],
    [
      'several strings',
      config([-1], 'TYPE_STRING'),
      12,
      "For BYTE datatype raw input 'X', the model must have input shape [1]",
    ],
    [
      'a part of an element',
      config([-1]),
      5,
      "input byte size mismatch for input 'raw_input' for model 'm'. Expected 4, got 5",
    ],
  ])('is refused for %s', (_, modelConfig, bytes, text) => {
    expect(refusal(served(modelConfig), { rawInput: new Uint8Array(bytes) })).toBe(prefix + text);
  });
});
