import { type DataType, dataTypes } from '@nereid/protocol/data-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Tensor, type TensorElements, tensor } from './tensor.ts';
import { arrayTypeOf, bytesOfData, dataOfBytes } from './tensor-data.ts';

describe('tensor', () => {
  it('takes typed arrays as they are', () => {
    const data = new Float32Array(6);
    expect(tensor('FP32', [2, 3], data).data).toBe(data);
  });

  it.each([
    ['BOOL', [true, false, 1, 0], Uint8Array.of(1, 0, 1, 0)],
    ['UINT8', [0, 255], Uint8Array.of(0, 255)],
    ['INT16', [-1, 7], Int16Array.of(-1, 7)],
    ['INT64', [-(2n ** 63n), 5], BigInt64Array.of(-(2n ** 63n), 5n)],
    ['UINT64', [2n ** 64n - 1n], BigUint64Array.of(2n ** 64n - 1n)],
    ['FP16', [1, -2.5, Number.POSITIVE_INFINITY], Uint16Array.of(0x3c00, 0xc100, 0x7c00)],
    ['BF16', [1, -2.5], Uint16Array.of(0x3f80, 0xc020)],
    ['FP64', [Math.PI], Float64Array.of(Math.PI)],
  ] as const)('converts numbers to %s', (datatype, given, data) => {
    const made = tensor(datatype, [given.length], given as unknown as TensorElements<DataType>);
    expect(made.data).toEqual(data);
  });

  it('takes text and bytes, and gives text back', () => {
    const made = tensor('BYTES', [3], ['é', Uint8Array.of(0x61), '']);
    expect(made.strings()).toEqual(['é', 'a', '']);
    expect(tensor('BYTES', [1], 'one').strings()).toEqual(['one']);
  });

  it('widens half floats', () => {
    expect([...tensor('FP16', [2], [0.5, -3]).floats()]).toEqual([0.5, -3]);
    expect([...tensor('BF16', [1], Float32Array.of(1.5)).floats()]).toEqual([1.5]);
    expect([...tensor('INT64', [1], [7n]).floats()]).toEqual([7]);
  });

  it('refuses what does not fit, and says why', () => {
    expect(() => tensor('FP32', [2, 2], [1, 2, 3])).toThrow(
      'a tensor of shape [2,2] has 4 elements, but 3 were given',
    );
    expect(() => tensor('FP32', [-1], [])).toThrow('[-1] is no shape');
    expect(() => tensor('FP32' as 'INT32', [1], new Int32Array(1))).toThrow('holds no FP32');
    expect(() => tensor('NOPE' as 'INT32', [1], [1])).toThrow("'NOPE' is no data type");
    expect(() => tensor('BYTES', [1], [5 as unknown as string])).toThrow('BYTES');
    expect(() => tensor('INT64', [1], [1.5])).toThrow(RangeError);
    expect(() => tensor('FP32', [1], [1]).strings()).toThrow('holds no strings');
  });
});

describe('tensor data', () => {
  it('comes back from its bytes, wherever they lie', () => {
    const fixed = dataTypes.filter((datatype) => datatype !== 'BYTES');
    fc.assert(
      fc.property(
        fc.constantFrom(...fixed),
        fc.uint8Array({ minLength: 0, maxLength: 64 }),
        fc.nat(9),
        (datatype, bytes, offset) => {
          const ArrayOf = arrayTypeOf(datatype);
          const whole = bytes.slice(0, bytes.length - (bytes.length % 8));
          const data = new ArrayOf(
            whole.buffer,
            0,
            whole.length / new ArrayOf(1).BYTES_PER_ELEMENT,
          );
          const moved = new Uint8Array(offset + whole.length);
          moved.set(whole, offset);
          for (const from of [moved, Buffer.from(moved.buffer)]) {
            const back = dataOfBytes(datatype, from.subarray(offset));
            expect(bytesOfData(back)).toEqual(bytesOfData(data));
          }
        },
      ),
    );
  });

  it('keeps byte strings apart', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), (elements) => {
        expect(dataOfBytes('BYTES', bytesOfData(elements))).toEqual(elements);
      }),
    );
  });

  it('refuses bytes that are cut off', () => {
    expect(() => dataOfBytes('INT32', new Uint8Array(7))).toThrow('no whole number');
    expect(() => dataOfBytes('BYTES', Uint8Array.of(9, 0, 0, 0, 1))).toThrow('runs past its data');
    expect(() => dataOfBytes('BYTES', Uint8Array.of(9, 0))).toThrow('runs past its data');
  });

  it('is a view where it can be', () => {
    const bytes = new Uint8Array(16);
    expect(dataOfBytes('FP32', bytes).buffer).toBe(bytes.buffer);
    expect(new Tensor('FP32', [4], dataOfBytes('FP32', bytes)).size).toBe(4);
  });
});
