import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ParameterValue } from '../infer/infer-request-message.ts';
import type { Tensor } from '../tensor.ts';
import { decodeGenerateRequest } from './generate-request-decoder.ts';
import { encodeGenerateResponse } from './generate-response-encoder.ts';

const head = { modelName: 'm', modelVersion: '1', id: '', parameters: new Map() };

function tensor(
  name: string,
  dataType: Tensor['dataType'],
  shape: number[],
  data: Uint8Array,
): Tensor {
  return { name, dataType, shape, data };
}

const text = (...of: string[]): Buffer =>
  Buffer.concat(
    of.map((s) =>
      Buffer.concat([Buffer.from(Uint32Array.of(Buffer.byteLength(s)).buffer), Buffer.from(s)]),
    ),
  );

test('members come in the order of their bytes, single elements without an array', () => {
  const encoded = encodeGenerateResponse({ ...head, id: 'q"' }, [
    tensor('text', 'BYTES', [1, 1], text('é\n')),
    tensor('Z', 'FP32', [2], Buffer.from(Float32Array.of(1, 0.5).buffer)),
    tensor('scalar', 'BOOL', [], Uint8Array.of(1)),
    tensor('none', 'INT8', [0, 3], new Uint8Array(0)),
    tensor('é', 'UINT8', [1], Uint8Array.of(7)),
  ]);
  expect(encoded.toString()).toBe(
    '{"Z":[1.0,0.5],"id":"q\\"","model_name":"m","model_version":"1","none":[],"scalar":true,"text":"é\\n","é":7}',
  );
});

test('of members of one name the first counts: the own ones, parameters, outputs', () => {
  const parameters = new Map<string, ParameterValue>([
    ['model_name', { kind: 'string', value: 'x' }],
    ['a', { kind: 'double', value: 1 }],
    ['b', { kind: 'bool', value: true }],
  ]);
  const output = tensor('a', 'UINT8', [1], Uint8Array.of(3));
  expect(encodeGenerateResponse({ ...head, parameters }, [output]).toString()).toBe(
    '{"a":1.0,"b":true,"model_name":"m","model_version":"1"}',
  );
});

test.each<[Tensor, string]>([
  [tensor('o', 'FP16', [1], new Uint8Array(2)), 'sending FP16 data via JSON is not supported'],
  [tensor('o', 'INT32', [2], new Uint8Array(4)), "does not match size of output for 'o'"],
  [tensor('o', 'BYTES', [2], text('a')), "does not match size of output for 'o'"],
])('an output without a JSON form is an error', (output, message) => {
  expect(() => encodeGenerateResponse(head, [output])).toThrow(message);
});

test('what goes out comes in again', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 }), (words) => {
      const sent = tensor('text', 'BYTES', [words.length], text(...words));
      const { inputs } = decodeGenerateRequest(encodeGenerateResponse(head, [sent]), {
        inputs: new Map([['text', { dataType: 'BYTES', shape: [-1] }]]),
        inputBytesMax: 1_000_000,
      });
      expect(inputs[0]?.shape).toEqual([words.length]);
      expect(Buffer.compare(inputs[0]?.data ?? Buffer.from('x'), sent.data)).toBe(0);
    }),
  );
});
