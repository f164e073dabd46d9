import { type OutputTensor, toFloat16Bits } from '@nereid/model';
import type { DataType } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import { GivenTensor } from './given-tensor.ts';
import { encodeTensor } from './output-bytes.ts';

/** What the model would be given if it called itself with the tensor. */
function roundTrip(tensor: OutputTensor, configured: DataType | null = null): GivenTensor {
  const { description, bytes } = encodeTensor(tensor, configured);
  const [name, dataType, shape] = description;
  return new GivenTensor({ name, dataType: dataType as DataType, shape, data: bytes });
}

const plain = (tensor: GivenTensor): unknown =>
  tensor.dataType === 'BYTES' ? tensor.strings() : [...(tensor.data as ArrayLike<unknown> & [])];

describe('encodeTensor', () => {
  it.each<[OutputTensor, DataType | null, DataType, readonly number[], unknown]>([
    [{ name: 'a', data: new Float32Array([1, 2]) }, null, 'FP32', [2], [1, 2]],
    [{ name: 'a', data: new Uint8Array([1, 0]) }, null, 'UINT8', [2], [1, 0]],
    [{ name: 'a', data: new Uint8Array([1, 0]) }, 'BOOL', 'BOOL', [2], [1, 0]],
    [{ name: 'a', data: new BigInt64Array([-1n]) }, null, 'INT64', [1], [-1n]],
    [{ name: 'a', data: [1, 2n, true], dataType: 'UINT64' }, null, 'UINT64', [3], [1n, 2n, 1n]],
    [{ name: 'a', data: [true, false] }, 'BOOL', 'BOOL', [2], [1, 0]],
    [{ name: 'a', data: new Uint16Array([15360]) }, 'BF16', 'BF16', [1], [15360]],
    [{ name: 'a', data: ['', 'é'], shape: [2, 1] }, 'BYTES', 'BYTES', [2, 1], ['', 'é']],
    [{ name: 'a', data: [], shape: [0, 3] }, 'FP64', 'FP64', [0, 3], []],
    [{ name: 'a', data: [5], shape: [] }, 'INT8', 'INT8', [], [5]],
  ])('reads %o', (tensor, configured, dataType, shape, values) => {
    const given = roundTrip(tensor, configured);
    expect([given.dataType, given.shape, plain(given)]).toEqual([dataType, shape, values]);
  });

  it('takes a part of an array as it is, and does not move its memory', () => {
    const whole = new Float32Array(200_000).fill(1);
    expect(encodeTensor({ name: 'a', data: whole }, null).movable).toBe(true);
    expect(encodeTensor({ name: 'a', data: whole, keep: true }, null).movable).toBe(false);
    const part = encodeTensor({ name: 'a', data: whole.subarray(0, 100_000) }, null);
    expect([part.movable, part.bytes.byteLength]).toEqual([false, 400_000]);
  });

  it('tells an array that was handed over from an empty one', () => {
    const data = new Float32Array(4);
    structuredClone(data, { transfer: [data.buffer] });
    expect(() => encodeTensor({ name: 'a', data }, null)).toThrow('was handed over');
    expect(roundTrip({ name: 'a', data: new Float32Array(0) }).shape).toEqual([0]);
  });

  it.each<[unknown, string]>([
    [null, 'a tensor must be an object with name and data, got null'],
    [{ data: [1] }, 'a tensor needs a name'],
    [{ name: 'a', data: [1] }, "tensor 'a' needs a dataType: its array does not tell it"],
    [{ name: 'a', dataType: 'FP32', data: [{}] }, "tensor 'a' of type FP32: {} is no number"],
    [{ name: 'a', dataType: 'INT64', data: [1.5] }, "tensor 'a' of type INT64: The number 1.5"],
    [{ name: 'a', dataType: 'BYTES', data: [1] }, 'is neither text nor bytes'],
    [{ name: 'a', dataType: 'BYTES', data: 'text' }, 'needs an array of texts or of bytes'],
    [{ name: 'a', dataType: 'FP32', data: 3 }, 'which a Number does not hold'],
    [{ name: 'a', data: new Float32Array(2), shape: [-1] }, 'a shape that is no list of sizes'],
  ])('refuses %o', (tensor, text) => {
    expect(() => encodeTensor(tensor as OutputTensor, null)).toThrow(text);
  });
});

describe('GivenTensor', () => {
  it('reads memory at any offset', () => {
    const memory = new Uint8Array(20);
    new DataView(memory.buffer).setFloat64(3, 1.25, true);
    const data = memory.subarray(3, 11);
    const tensor = new GivenTensor({ name: 'a', dataType: 'FP64', shape: [1], data });
    expect([...(tensor.data as Float64Array)]).toEqual([1.25]);
  });

  it('gives 16-bit floats as their bits', () => {
    const data = new Uint8Array(new Uint16Array([toFloat16Bits(1.5)]).buffer);
    const tensor = new GivenTensor({ name: 'a', dataType: 'FP16', shape: [1], data });
    expect([...(tensor.data as Uint16Array)]).toEqual([0x3e00]);
  });
});
