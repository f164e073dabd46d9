import { expect, it } from 'vitest';
import type { DataType } from '../data-type.ts';
import type { Tensor } from '../tensor.ts';
import type { ParameterValue } from './infer-request-message.ts';
import { encodeInferResponse, type InferResponseHead } from './infer-response-encoder.ts';

const head: InferResponseHead = {
  modelName: 'm',
  modelVersion: '1',
  id: '',
  parameters: new Map(),
};

function tensor(
  name: string,
  dataType: DataType,
  shape: number[],
  values: ArrayBufferView,
): Tensor {
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dataType, shape, data };
}

function jsonOf(...outputs: Tensor[]): string {
  const { parts, headerLength, contentType } = encodeInferResponse(head, outputs, () => 'json');
  expect([parts.length, headerLength, contentType]).toEqual([1, null, 'application/json']);
  return Buffer.from(parts[0] as Uint8Array).toString('utf8');
}

function dataOf(dataType: DataType, values: ArrayBufferView, count: number): string {
  const json = jsonOf(tensor('O', dataType, [count], values));
  return json.slice(json.indexOf('"data":') + 7, -3);
}

it('writes members in the order of Triton', () => {
  const parameters = new Map<string, ParameterValue>([
    ['b', { kind: 'bool', value: true }],
    ['i', { kind: 'int', value: 2n ** 62n }],
    ['d', { kind: 'double', value: 2 }],
    ['s"', { kind: 'string', value: 'é' }],
  ]);
  const output = tensor('O', 'INT32', [1, 2], new Int32Array([1, -2]));
  const { parts } = encodeInferResponse({ ...head, id: 'ü\n', parameters }, [output], () => 'json');
  expect(Buffer.from(parts[0] as Uint8Array).toString('utf8')).toBe(
    String.raw`{"id":"ü\n","model_name":"m","model_version":"1","parameters":{"b":true,"i":4611686018427387904,"d":2.0,"s\"":"é"},"outputs":[{"name":"O","datatype":"INT32","shape":[1,2],"data":[1,-2]}]}`,
  );
});

it('appends binary outputs as views, in their order, and says how long the JSON is', () => {
  const outputs = [
    tensor('A', 'UINT8', [2], new Uint8Array([1, 2])),
    tensor('J', 'UINT8', [1], new Uint8Array([3])),
    tensor('E', 'FP32', [0], new Uint8Array(0)),
    tensor('H', 'FP16', [1], new Uint8Array([4, 5])),
    tensor('S', 'FP16', [1], new Uint8Array([6, 7])),
  ];
  const forms = ['binary', 'json', 'binary', 'binary', 'shared-memory'] as const;
  const encoded = encodeInferResponse(head, outputs, (index) => forms[index] ?? 'json');
  const [json, first, second, ...rest] = encoded.parts;
  expect(encoded.contentType).toBe('application/octet-stream');
  expect(encoded.headerLength).toBe(json?.byteLength);
  expect([first, second, rest]).toEqual([outputs[0]?.data, outputs[3]?.data, []]);
  expect(first?.buffer).toBe(outputs[0]?.data.buffer);
  expect(Buffer.from(json as Uint8Array).toString()).toBe(
    '{"model_name":"m","model_version":"1","outputs":[' +
      '{"name":"A","datatype":"UINT8","shape":[2],"parameters":{"binary_data_size":2}},' +
      '{"name":"J","datatype":"UINT8","shape":[1],"data":[3]},' +
      '{"name":"E","datatype":"FP32","shape":[0],"parameters":{"binary_data_size":0}},' +
      '{"name":"H","datatype":"FP16","shape":[1],"parameters":{"binary_data_size":2}},' +
      '{"name":"S","datatype":"FP16","shape":[1]}]}',
  );
});

it('says nothing of binary data when all outputs have none', () => {
  const empty = tensor('E', 'FP32', [0], new Uint8Array(0));
  const encoded = encodeInferResponse(head, [empty], () => 'binary');
  expect([encoded.contentType, encoded.headerLength, encoded.parts.length]).toEqual([
    'application/json',
    null,
    1,
  ]);
});

it('writes every type of numbers', () => {
  expect(dataOf('BOOL', new Uint8Array([0, 1, 2]), 3)).toBe('[false,true,true]');
  expect(dataOf('INT8', new Int8Array([-128, 127]), 2)).toBe('[-128,127]');
  expect(dataOf('UINT16', new Uint16Array([65535]), 1)).toBe('[65535]');
  expect(dataOf('UINT32', new Uint32Array([4294967295]), 1)).toBe('[4294967295]');
  expect(dataOf('INT64', new BigInt64Array([-(2n ** 63n)]), 1)).toBe('[-9223372036854775808]');
  expect(dataOf('UINT64', new BigUint64Array([2n ** 64n - 1n]), 1)).toBe('[18446744073709551615]');
  expect(dataOf('FP32', new Float32Array([0.1, 1, Number.NaN]), 3)).toBe(
    '[0.10000000149011612,1.0,NaN]',
  );
  expect(dataOf('FP64', new Float64Array([1e-7, 0.5]), 2)).toBe('[1e-7,0.5]');
  expect(dataOf('FP64', new Float64Array([-0, 1e22, Number.NEGATIVE_INFINITY]), 3)).toBe(
    '[-0.0,1e22,-Infinity]',
  );
  expect(dataOf('FP32', new Float32Array(0), 0)).toBe('[]');
});

it('writes long tensors whole, fractions and integers mixed', () => {
  const values = Float64Array.from({ length: 2000 }, (_, i) => (i % 700 === 0 ? i : i + 0.5));
  const text = dataOf('FP64', values, 2000);
  expect(JSON.parse(text)).toEqual([...values]);
  expect(text).toContain(',699.5,700.0,701.5,');
});

it('passes the bytes of strings through, escaped', () => {
  const bytes = Buffer.concat([
    Buffer.from([3, 0, 0, 0]),
    Buffer.from('é"'),
    Buffer.from([2, 0, 0, 0]),
    Buffer.from([0xff, 0x01]),
    Buffer.from([0, 0, 0, 0]),
  ]);
  const { parts } = encodeInferResponse(head, [tensor('O', 'BYTES', [3], bytes)], () => 'json');
  expect(Buffer.from(parts[0] as Uint8Array).toString('latin1')).toContain(
    '"data":["\xc3\xa9\\"","\xff\\u0001",""]',
  );
});

it('reads elements that stand at any alignment', () => {
  const bytes = new Uint8Array(9);
  bytes.set(new Uint8Array(new Float32Array([0.5, 2]).buffer), 1);
  const output: Tensor = { name: 'O', dataType: 'FP32', shape: [2], data: bytes.subarray(1) };
  expect(jsonOf(output)).toContain('"data":[0.5,2.0]');
});

it('refuses what JSON cannot carry, and data unlike their shape', () => {
  expect(() => jsonOf(tensor('O', 'FP16', [1], new Uint8Array(2)))).toThrow(
    'sending FP16 data via JSON is not supported. Please use the binary data format for output',
  );
  expect(() => jsonOf(tensor('O', 'FP32', [2], new Uint8Array(4)))).toThrow(
    "Failed to write 'data' field: output tensor shape does not match size of output for 'O'",
  );
  for (const bytes of [
    [1, 0, 0],
    [2, 0, 0, 0, 1],
    [0xff, 0xff, 0xff, 0xff, 1],
  ]) {
    expect(() => jsonOf(tensor('O', 'BYTES', [1], new Uint8Array(bytes)))).toThrow(
      "output tensor shape does not match size of output for 'O'",
    );
  }
});
