import { encodeMessage } from '@nereid/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { inferDataOffset, streamDataOffset } from './data-offset.ts';

const small = new Uint8Array(10).fill(1);
const large = new Uint8Array(5000).fill(2);
const response = {
  model_name: 'm',
  parameters: { a: { int64_param: -7 }, b: { double_param: 0.5 } },
  outputs: [{ name: 'A', datatype: 'FP32', shape: [3, 640, 640] }],
  raw_output_contents: [small, large],
};

it('finds the largest tensor in the first bytes', () => {
  const message = encodeMessage('inference.ModelInferResponse', response);
  expect(inferDataOffset(message.subarray(0, 200))).toBe(message.indexOf(2, message.length - 5000));
  const streamed = encodeMessage('inference.ModelStreamInferResponse', {
    infer_response: response,
  });
  expect(streamDataOffset(streamed.subarray(0, 200))).toBe(streamed.length - 5000);
});

it('says so where there is none', () => {
  expect(inferDataOffset(new Uint8Array())).toBe(null);
  expect(inferDataOffset(encodeMessage('inference.ModelInferResponse', { id: 'x' }))).toBe(null);
  const error = encodeMessage('inference.ModelStreamInferResponse', { error_message: 'no' });
  expect(streamDataOffset(error)).toBe(null);
});

it('throws for no bytes, and finds nothing outside them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      for (const find of [inferDataOffset, streamDataOffset]) {
        const offset = find(bytes);
        if (offset !== null) expect(offset).toBeLessThanOrEqual(bytes.length);
      }
    }),
    { numRuns: 2000 },
  );
});
