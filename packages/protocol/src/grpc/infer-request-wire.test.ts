import { describe, expect, it } from 'vitest';
import type { SharedMemoryRange } from '../infer/infer-request-message.ts';
import { TritonError } from '../triton-error.ts';
import { type GrpcInferRequest, inferRequestOf } from './infer-request-rules.ts';
import { rawContentsOffset, readInferRequest } from './infer-request-wire.ts';
import { encodeMessage } from './messages.ts';

function encode(fields: object): Buffer {
  return Buffer.from(encodeMessage('inference.ModelInferRequest', fields));
}

function decodeBytes(message: Uint8Array): GrpcInferRequest {
  return inferRequestOf(readInferRequest(message), {
    sharedMemory: ({ region }: SharedMemoryRange) => Buffer.from(`memory of ${region}`),
  });
}

function decode(fields: object): GrpcInferRequest {
  return decodeBytes(encode(fields));
}

/** `CODE text` of the failure. */
function fault(action: () => unknown): string {
  try {
    action();
  } catch (failure) {
    if (failure instanceof TritonError) return `${failure.code} ${failure.message}`;
    throw failure;
  }
  return 'none';
}

const input = { name: 'X', datatype: 'INT32', shape: [1] };
const raw = [Buffer.from([1, 0, 0, 0])];
const unreadable = 'INTERNAL Unable to parse request';

describe('a request with raw contents', () => {
  it('has views of the message as data', () => {
    const message = encode({
      model_name: 'm',
      id: 'ïd',
      inputs: [
        { name: 'A', datatype: 'FP32', shape: [1, 1000, -1] },
        { name: 'B', datatype: 'what', shape: [] },
      ],
      outputs: [{ name: 'O' }],
      raw_input_contents: [Buffer.from('abcd'), Buffer.alloc(0)],
    });
    const { id, inputs, outputs, rawInput, emptyFinalResponse } = decodeBytes(message);
    expect({ id, rawInput, emptyFinalResponse }).toEqual({
      id: 'ïd',
      rawInput: null,
      emptyFinalResponse: false,
    });
    expect(inputs.map(({ name, dataType, shape }) => [name, dataType, shape])).toEqual([
      ['A', 'FP32', [1, 1000, -1]],
      ['B', '<invalid>', []],
    ]);
    expect(Buffer.from(inputs[0]?.data ?? []).toString()).toBe('abcd');
    expect(inputs[0]?.data.buffer).toBe(message.buffer);
    expect(outputs).toEqual([
      { name: 'O', binary: true, classificationCount: 0, sharedMemory: null },
    ]);
  });

  it('tells where its data begin from its first bytes', () => {
    const message = encode({ inputs: [input], raw_input_contents: [Buffer.alloc(1000, 99)] });
    const offset = message.indexOf(99);
    expect(rawContentsOffset(message.subarray(0, 64))).toBe(offset);
    expect(rawContentsOffset(message.subarray(0, offset - 1))).toBeNull();
    expect(rawContentsOffset(message.subarray(0, 3))).toBeNull();
    expect(rawContentsOffset(encode({ inputs: [input] }))).toBeNull();
    expect(rawContentsOffset(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]))).toBeNull();
  });

  it('may not be mixed with typed contents, nor lack any', () => {
    const typed = { ...input, contents: { int_contents: [1] } };
    expect(fault(() => decode({ model_name: 'm', inputs: [typed], raw_input_contents: raw }))).toBe(
      "INVALID_ARG contents field must not be specified when using raw_input_contents for 'X' for model 'm'",
    );
    const missing = {
      model_name: 'm',
      inputs: [input, { ...input, name: 'Y' }],
      raw_input_contents: raw,
    };
    expect(fault(() => decode(missing))).toBe(
      "INVALID_ARG unable to find data for input tensor 'Y' for model 'm' in request.",
    );
  });

  it('says of a name that comes twice first of all', () => {
    const twice = { id: 'i', inputs: [input, input], raw_input_contents: raw };
    expect(fault(() => decode(twice))).toBe(
      "INVALID_ARG [request id: i] input 'X' already exists in request",
    );
    const outputs = [{ name: 'O' }, { name: 'O' }];
    expect(fault(() => decode({ inputs: [input], outputs }))).toBe(
      "INVALID_ARG [request id: <id_unknown>] output 'O' already exists in request",
    );
  });
});

describe('parameters', () => {
  const parametersOf = (parameters: object) => decode({ parameters });

  it('are sorted into those that mean something and the rest', () => {
    const { parameters, emptyFinalResponse } = parametersOf({
      sequence_id: { int64_param: -1 },
      sequence_start: { bool_param: true },
      priority: { uint64_param: 3 },
      timeout: { int64_param: 5 },
      triton_enable_empty_final_response: { bool_param: true },
      s: { string_param: 'text\0gone' },
      d: { double_param: 0.5 },
      b: { bool_param: false },
      i: { int64_param: -7 },
      __proto__x: { int64_param: 1 },
    });
    expect(emptyFinalResponse).toBe(true);
    expect(parameters).toMatchObject({
      sequenceId: 2n ** 64n - 1n,
      sequenceStart: true,
      sequenceEnd: false,
      priority: 3,
      timeoutUs: 5,
    });
    expect([...parameters.custom]).toEqual([
      ['s', { kind: 'string', value: 'text' }],
      ['d', { kind: 'double', value: 0.5 }],
      ['b', { kind: 'bool', value: false }],
      ['i', { kind: 'int', value: -7 }],
      ['__proto__x', { kind: 'int', value: 1 }],
    ]);
    expect(parametersOf({ sequence_id: { string_param: 'a' } }).parameters.sequenceId).toBe('a');
  });

  it.each([
    [{ sequence_id: {} }, "'sequence_id' parameter, expected int64_param or string_param."],
    [{ sequence_start: { int64_param: 1 } }, "'sequence_start' parameter, expected bool_param."],
    [
      { priority: { bool_param: true } },
      "'priority' parameter, expected int64_param or uint64_param.",
    ],
    [{ timeout: { uint64_param: 1 } }, "'timeout' parameter, expected int64_param."],
    [
      { x: { uint64_param: 1 } },
      "'x' parameter, expected int64_param, bool_param, or string_param.",
    ],
  ])('of a wrong type are refused: %o', (parameters, text) => {
    expect(fault(() => parametersOf(parameters))).toBe(
      `INVALID_ARG invalid value type for ${text}`,
    );
  });

  it('of Triton’s own are refused, but one', () => {
    expect(fault(() => parametersOf({ triton_x: { bool_param: true } }))).toBe(
      "INVALID_ARG parameter keys starting with 'triton_' are reserved for Triton usage. Only the following keys starting with 'triton_' are allowed: triton_enable_empty_final_response",
    );
    expect(fault(() => parametersOf({ priority: { int64_param: -1 } }))).toBe(
      "INVALID_ARG invalid value for 'priority', expected value >= 0.",
    );
  });
});

describe('parameters of tensors', () => {
  const shared = (parameters: object, more: object = {}) =>
    decode({ model_name: 'm', inputs: [{ ...input, parameters, ...more }] });
  const region = { shared_memory_region: { string_param: 'r' } };

  it('name shared memory', () => {
    const size = { shared_memory_byte_size: { int64_param: 4 } };
    const { inputs } = shared({ ...region, ...size });
    expect(Buffer.from(inputs[0]?.data ?? []).toString()).toBe('memory of r');
    const offset = { shared_memory_offset: { int64_param: -3 } };
    const parameters = { ...region, ...size, ...offset };
    expect(decode({ outputs: [{ name: 'O', parameters }] }).outputs[0]?.sharedMemory).toEqual({
      region: 'r',
      offset: -3,
      byteSize: 4,
    });
    expect(fault(() => shared({ ...region, ...size }, { contents: { int_contents: [1] } }))).toBe(
      "INVALID_ARG unexpected 'content' provided when using shared memory for input tensor 'X' for model 'm'",
    );
  });

  it('that lack something are refused', () => {
    expect(fault(() => shared(region))).toBe(
      "INVALID_ARG 'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor 'X'",
    );
    expect(fault(() => shared({ shared_memory_offset: { int64_param: 1 } }))).toBe(
      "INVALID_ARG 'shared_memory_offset' can not be specified without 'shared_memory_region' parameter for tensor 'X'",
    );
    expect(fault(() => shared({ ...region, shared_memory_byte_size: { string_param: '4' } }))).toBe(
      "INVALID_ARG invalid value type for 'shared_memory_byte_size' parameter for tensor 'X', expected int64_param.",
    );
  });

  it('ask for classes', () => {
    const classes = (parameter: object, more: object = {}) =>
      decode({ outputs: [{ name: 'O', parameters: { classification: parameter, ...more } }] });
    expect(classes({ int64_param: 3 }).outputs[0]?.classificationCount).toBe(3);
    expect(fault(() => classes({ int64_param: 0 }))).toBe(
      "INVALID_ARG invalid value for 'classification' parameter, expected >= 0",
    );
    expect(fault(() => classes({ string_param: '3' }))).toContain('expected int64_param');
    const size = { shared_memory_byte_size: { int64_param: 4 } };
    expect(fault(() => classes({ int64_param: 1 }, { ...region, ...size }))).toBe(
      "INVALID_ARG output can't set both 'shared_memory_region' and 'classification'",
    );
  });
});

describe('what protobuf allows', () => {
  const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

  it('is read: unknown fields, groups, unpacked and split lists, fields that come twice', () => {
    const parts = [
      '0a016d 0a016e', // model_name, twice: the last one counts
      'f8ff3f 01', // field 131071 as a varint
      'a306 0b 0c a406', // group 100 with group 1 inside
      '10 05', // model_version as a varint: another field
      '2a 0b 0a0158 1801 1a020203 1802', // X, shape 1, then [2,3], then 2
      '3a00',
    ];
    const wire = readInferRequest(hex(parts.join('')));
    expect(wire).toMatchObject({ modelName: 'n', modelVersion: '' });
    expect(wire.inputs[0]).toMatchObject({ name: 'X', shape: [1, 2, 3, 2] });
    expect(wire.rawContents).toHaveLength(1);
  });

  it.each([
    ['field number 0', '00'],
    ['a length beyond the end', '0a056162'],
    ['a length beyond the outer message', '2a020a05 6161616161'],
    ['a length of 2^63', '0affffffffffffffff7f'],
    ['a varint of eleven bytes', 'f801 8080808080808080808001'],
    ['a tag of six bytes', 'ffffffffff01'],
    ['text that is no UTF-8', '0a02fffe'],
    ['a group without an end', 'a306'],
    ['a group with another end', 'a306 ac06'],
    ['an end without a group', 'a406'],
    ['wire type 6', '0e'],
    ['a cut tag', '0a0161 8a'],
    ['a cut fixed64', '09 0000'],
    ['half a float', '2a 06 2a 04 3202 0000'],
    ['a packed varint without an end', '2a 05 2a 03 120180'],
  ])('and nothing else: %s', (_name, text) => {
    expect(fault(() => readInferRequest(hex(text)))).toBe(unreadable);
  });

  it('in bounded depth', () => {
    const nested = (depth: number): Buffer =>
      Buffer.concat([Buffer.alloc(depth, 0x0b), Buffer.alloc(depth, 0x0c)]);
    expect(fault(() => readInferRequest(nested(100)))).toBe('none');
    expect(fault(() => readInferRequest(nested(10_000)))).toBe(unreadable);
  });
});
