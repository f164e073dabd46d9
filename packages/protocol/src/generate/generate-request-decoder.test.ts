import { describe, expect, test } from 'vitest';
import type { InferRequestMessage } from '../infer/infer-request-message.ts';
import { TritonError } from '../triton-error.ts';
import { decodeGenerateRequest, type GenerateInput } from './generate-request-decoder.ts';

const inputs = new Map<string, GenerateInput>([
  ['text', { dataType: 'BYTES', shape: [-1] }],
  ['batched', { dataType: 'BYTES', shape: [-1, 1] }],
  ['n', { dataType: 'INT32', shape: [-1, 2, -1] }],
  ['four', { dataType: 'FP32', shape: [4] }],
  ['flag', { dataType: 'BOOL', shape: [1] }],
  ['big', { dataType: 'UINT64', shape: [-1] }],
  ['half', { dataType: 'FP16', shape: [-1] }],
  ['brain', { dataType: 'BF16', shape: [-1] }],
]);

function decode(json: string, inputBytesMax = 1000): InferRequestMessage {
  return decodeGenerateRequest(Buffer.from(json), { inputs, inputBytesMax });
}

/** Strings with their lengths before them. */
function strings(...texts: string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

describe('inputs', () => {
  test.each<[string, string, number[], Uint8Array]>([
    ['a scalar', '{"text":"a"}', [1], strings('a')],
    ['escapes', '{"text":"\\u00e9\\n,]"}', [1], strings('é\n,]')],
    ['an array', '{"text": [ "a" , "b,]" ] }', [2], strings('a', 'b,]')],
    ['nested arrays, by the outermost', '{"text":[["a"],["b"]]}', [2], strings('a', 'b')],
    ['no element', '{"text":[ ]}', [0], strings()],
    ['a batch', '{"batched":["a","b"]}', [2, 1], strings('a', 'b')],
    ['the innermost size that varies', '{"n":[1,2,3,4]}', [1, 2, 2], int32(1, 2, 3, 4)],
    ['wrapped integers', '{"n":[4294967297,-1]}', [1, 2, 1], int32(1, -1)],
    ['a boolean', '{"flag":true}', [1], Uint8Array.of(1)],
    ['64 bits', '{"big":18446744073709551615}', [1], Buffer.alloc(8, 255)],
    ['a fixed size', '{"four":[1,2.5,NaN,-1e3]}', [4], float32(1, 2.5, Number.NaN, -1000)],
    ['a number before white space', '{"big":7\n}', [1], Buffer.from([7, 0, 0, 0, 0, 0, 0, 0])],
    ['those among the parameters', '{"parameters":{"text":"a"}}', [1], strings('a')],
  ])('%s', (_, json, shape, data) => {
    const [tensor, ...others] = decode(json).inputs;
    expect(others).toEqual([]);
    expect(tensor?.shape).toEqual(shape);
    expect(Buffer.from(tensor?.data ?? []).toString('hex')).toBe(Buffer.from(data).toString('hex'));
  });

  test('do not refer to the body', () => {
    const body = Buffer.from('{"text":"abc"}');
    const { inputs: tensors } = decodeGenerateRequest(body, { inputs, inputBytesMax: 1000 });
    body.fill(0);
    expect(Buffer.from(tensors[0]?.data ?? []).toString()).toContain('abc');
  });
});

test('everything else is a parameter, the id too', () => {
  const message = decode(
    '{"id":"q","a":1,"b":"s\\u0000t","c":false,"d":1.5,"triton_x":18446744073709551616,"parameters":{"sequence_id":7,"text":"t"}}',
  );
  expect(message.id).toBe('q');
  expect(message.parameters.sequenceId).toBeNull();
  expect([...message.parameters.custom]).toEqual([
    ['id', { kind: 'string', value: 'q' }],
    ['a', { kind: 'int', value: 1 }],
    ['b', { kind: 'string', value: 's\0t' }],
    ['c', { kind: 'bool', value: false }],
    ['d', { kind: 'double', value: 1.5 }],
    ['triton_x', { kind: 'double', value: 18446744073709552000 }],
    ['sequence_id', { kind: 'int', value: 7 }],
  ]);
});

test('a name of Object.prototype is one like any other', () => {
  const { custom } = decode('{"__proto__":1,"constructor":2}').parameters;
  expect([...custom.keys()]).toEqual(['__proto__', 'constructor']);
});

test.each<[string, string, TritonError['code'], string]>([
  [
    'nothing',
    '',
    'INTERNAL',
    'failed to parse the request JSON buffer: The document is empty. at 0',
  ],
  [
    'broken JSON',
    '{"text":',
    'INTERNAL',
    'failed to parse the request JSON buffer: Invalid value. at 8',
  ],
  [
    'broken JSON in data',
    '{"text":["a"',
    'INTERNAL',
    "failed to parse the request JSON buffer: Missing a comma or ']' after an array element. at 12",
  ],
  ['no object', '[]', 'INTERNAL', 'attempt to get members for non-object'],
  [
    'an id that is no text',
    '{"id":5}',
    'INTERNAL',
    "Unable to parse 'id': attempt to access JSON non-string as string",
  ],
  [
    'a number for a text',
    '{"text":5}',
    'INTERNAL',
    'Unable to parse JSON bytes array: attempt to access JSON non-string as string',
  ],
  [
    'an object for a text',
    '{"text":{}}',
    'INTERNAL',
    'Unable to parse JSON bytes array: attempt to access JSON non-string as string',
  ],
  [
    'null for a number',
    '{"big":null}',
    'INTERNAL',
    "Unable to parse 'data': attempt to access JSON non-unsigned-integer as unsigned-integer",
  ],
  [
    'an object for a number',
    '{"n":[{},{}]}',
    'INTERNAL',
    "Unable to parse 'data': attempt to access JSON non-signed-integer as signed-integer",
  ],
  [
    'a number for a boolean',
    '{"flag":1}',
    'INTERNAL',
    "Unable to parse 'data': attempt to access JSON non-boolean as boolean",
  ],
  [
    'more in arrays than arrays',
    '{"big":[[1,2]]}',
    'INTERNAL',
    "Unable to parse 'data': Shape does not match true shape of 'data' field",
  ],
  [
    'less in arrays than arrays',
    '{"big":[[],[1]]}',
    'INTERNAL',
    "Failed to parse 'data' field: shape does not match true shape",
  ],
  [
    'too many',
    '{"four":[1,2,3,4,5]}',
    'INVALID_ARG',
    "The schema can not convert input 'four' to tensor with proper shape",
  ],
  [
    'a multiple',
    '{"four":[1,2,3,4,5,6,7,8]}',
    'INVALID_ARG',
    "The schema can not convert input 'four' to tensor with proper shape",
  ],
  [
    'an odd count',
    '{"n":[1,2,3]}',
    'INVALID_ARG',
    "The schema can not convert input 'n' to tensor with proper shape",
  ],
  [
    'none of a fixed size',
    '{"four":[]}',
    'INVALID_ARG',
    "The schema can not convert input 'four' to tensor with proper shape",
  ],
  [
    'FP16',
    '{"half":1}',
    'INVALID_ARG',
    'receiving FP16 data via JSON is not supported. Please use the binary data format for input half',
  ],
  [
    'BF16',
    '{"brain":[1]}',
    'INVALID_ARG',
    'receiving BF16 data via JSON is not supported. Please use the binary data format for input brain',
  ],
  [
    'an input twice',
    '{"id":"q","text":"a","text":"b"}',
    'INVALID_ARG',
    "[request id: q] input 'text' already exists in request",
  ],
  [
    'two inputs twice',
    '{"text":"a","half":[1],"x":1,"x":2,"half":[2],"text":"b"}',
    'INVALID_ARG',
    "[request id: <id_unknown>] input 'half' already exists in request",
  ],
  [
    'an input beside itself',
    '{"text":"a","parameters":{"text":"b"}}',
    'INVALID_ARG',
    "Converting keyword: 'parameters': [request id: <id_unknown>] input 'text' already exists in request",
  ],
  [
    'an array as a parameter',
    '{"x":[]}',
    'INVALID_ARG',
    "parameter 'x' has invalid type. It should be either 'int', 'bool', or 'string'.",
  ],
  [
    'an object as a parameter',
    '{"x":{}}',
    'INVALID_ARG',
    "parameter 'x' has invalid type. It should be either 'int', 'bool', or 'string'.",
  ],
  [
    'parameters in parameters',
    '{"parameters":{"parameters":{}}}',
    'INVALID_ARG',
    "Converting keyword: 'parameters': parameter 'parameters' has invalid type. It should be either 'int', 'bool', or 'string'.",
  ],
  [
    'parameters that are none',
    '{"parameters":[]}',
    'INTERNAL',
    "Expected JSON object for keyword: 'parameters': attempt to access JSON non-object as object",
  ],
  [
    'tensors beyond the limit',
    `{"big":[1${',1'.repeat(130)}]}`,
    'INVALID_ARG',
    "request size of 0 bytes with input 'big' of size 1048 bytes exceeds the maximum allowed input size of 1000. Use --http-max-input-size to increase the limit.",
  ],
  [
    'tensors beyond the limit together',
    `{"flag":true,"big":[1${',1'.repeat(124)}]}`,
    'INVALID_ARG',
    "request size of 1 bytes with input 'big' of size 1000 bytes exceeds the maximum allowed input size of 1000. Use --http-max-input-size to increase the limit.",
  ],
  [
    'JSON beyond the limit',
    `{"x":"${'y'.repeat(1000)}"}`,
    'INVALID_ARG',
    'request JSON size of 1008 bytes exceeds the maximum allowed input size of 1000 bytes. Use --http-max-input-size to increase the limit.',
  ],
  [
    'data nested too deep',
    `{"text":${'['.repeat(101)}${']'.repeat(101)}}`,
    'INVALID_ARG',
    'JSON nesting depth exceeds maximum allowed limit (100)',
  ],
])('refuses %s', (_, json, code, message) => {
  let thrown: unknown = null;
  try {
    decode(json);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(TritonError);
  expect(thrown).toMatchObject({ code, message: expect.stringContaining(message) });
});

test('an input of a name with a meaning', () => {
  const named = new Map<string, GenerateInput>([['id', { dataType: 'BYTES', shape: [1] }]]);
  const message = decodeGenerateRequest(Buffer.from('{"id":"q"}'), {
    inputs: named,
    inputBytesMax: 1000,
  });
  expect(message.id).toBe('q');
  expect(message.inputs[0]?.data).toEqual(strings('q'));
  const nested = new Map<string, GenerateInput>([
    ['parameters', { dataType: 'BYTES', shape: [1] }],
  ]);
  expect(() =>
    decodeGenerateRequest(Buffer.from('{"parameters":"q"}'), {
      inputs: nested,
      inputBytesMax: 1000,
    }),
  ).toThrow("Keyword 'parameters' for nested schema also given as input tensor name");
});

function int32(...values: number[]): Buffer {
  return Buffer.from(Int32Array.from(values).buffer);
}

function float32(...values: number[]): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}
