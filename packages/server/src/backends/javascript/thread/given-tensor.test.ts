import { expect, it } from 'vitest';
import { GivenTensor } from './given-tensor.ts';

const given = (dataType: 'FP32' | 'BYTES', data: Uint8Array) =>
  new GivenTensor({ name: 'a', dataType, shape: [1], data });

it('gives a typed array on the memory that came, each time the same one', () => {
  const memory = new Uint8Array(24);
  const tensor = given('FP32', memory.subarray(8, 16));
  const array = tensor.data as Float32Array;
  expect(array.buffer).toBe(memory.buffer);
  expect([array.byteOffset, array.length]).toEqual([8, 2]);
  expect(tensor.data).toBe(array);
});

it('copies only what no array can lie on', () => {
  const memory = Uint8Array.from({ length: 12 }, (_, index) => index);
  const array = given('FP32', memory.subarray(2, 6)).data as Float32Array;
  expect(array.buffer).not.toBe(memory.buffer);
  expect([...new Uint8Array(array.buffer)]).toEqual([2, 3, 4, 5]);
});

it('gives the elements of BYTES as views', () => {
  const memory = new Uint8Array([1, 0, 0, 0, 7]);
  const [element] = given('BYTES', memory).data as readonly Uint8Array[];
  expect(element?.buffer).toBe(memory.buffer);
  expect([...(element ?? [])]).toEqual([7]);
});
