import { encodeBytesTensor, type Tensor } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import { packedBytes, packOutputs, unpackOutputs } from './packed-outputs.ts';

const outputs: readonly Tensor[] = [
  {
    name: 'OUTPUT0',
    dataType: 'FP32',
    shape: [2, 1],
    data: new Uint8Array(Float32Array.of(1.5, -2).buffer),
  },
  {
    name: 'Größe',
    dataType: 'BYTES',
    shape: [2],
    data: encodeBytesTensor([Buffer.from('a'), Buffer.from('')]),
  },
  { name: 'none', dataType: 'INT64', shape: [0, 4], data: new Uint8Array(0) },
];

describe('packed outputs', () => {
  it('come back as they were', () => {
    const packed = packOutputs(outputs);
    expect(packed.length).toBe(packedBytes(outputs));
    const back = unpackOutputs(packed);
    expect(back?.map((output) => ({ ...output, data: [...output.data] }))).toEqual(
      outputs.map((output) => ({ ...output, data: [...output.data] })),
    );
  });

  it('are nothing when they are cut short, longer, or any byte of their structure differs', () => {
    const packed = packOutputs(outputs);
    for (let length = 0; length < packed.length; length++) {
      expect(unpackOutputs(packed.subarray(0, length))).toBe(null);
    }
    expect(unpackOutputs(Buffer.concat([packed, Buffer.of(0)]))).toBe(null);
    for (let at = 0; at < packed.length; at++) {
      const broken = Buffer.from(packed);
      broken[at] = 0xff;
      // Where it is no structure, it is a name or a number: still a tensor whose bytes fit its shape.
      for (const { dataType, shape, data } of unpackOutputs(broken) ?? []) {
        const count = shape.reduce((product, dim) => product * dim, 1);
        if (dataType === 'FP32') expect(data.length).toBe(4 * count);
      }
    }
  });

  it.each([
    ['a huge count', Buffer.of(0xff, 0xff, 0xff, 0xff)],
    ['text', Buffer.from('not a response at all, but some text of somebody else')],
    ['zeros', Buffer.alloc(64)],
  ])('are nothing when they are %s', (_what, bytes) => {
    expect(unpackOutputs(bytes)).toBe(null);
  });
});
