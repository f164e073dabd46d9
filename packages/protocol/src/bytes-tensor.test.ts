import { expect, it } from 'vitest';
import { decodeBytesTensor, encodeBytesTensor } from './bytes-tensor.ts';

it('puts the length of each element before it, little-endian', () => {
  const data = encodeBytesTensor(['é', new Uint8Array([0, 255]), '', 'x'.repeat(300)]);
  expect([...data.subarray(0, 16)]).toEqual([
    2, 0, 0, 0, 0xc3, 0xa9, 2, 0, 0, 0, 0, 255, 0, 0, 0, 0,
  ]);
  expect([...data.subarray(16, 21)]).toEqual([0x2c, 1, 0, 0, 0x78]);
  expect(data).toHaveLength(320);
  expect(encodeBytesTensor([])).toHaveLength(0);
});

it('reads elements as views, at any alignment', () => {
  const memory = new Uint8Array([9, 1, 0, 0, 0, 7, 0, 0, 0, 0]);
  const elements = decodeBytesTensor(memory.subarray(1));
  expect(elements.map((element) => [...element])).toEqual([[7], []]);
  expect(elements[0]?.buffer).toBe(memory.buffer);
});

it.each([
  [[1], 'element 0 of a BYTES tensor ends 3 bytes past its data'],
  [[0, 0, 0, 0, 2, 0, 0, 0, 1], 'element 1 of a BYTES tensor ends 1 bytes past its data'],
  [[255, 255, 255, 255], 'element 0 of a BYTES tensor ends 4294967295 bytes past its data'],
])('refuses %j', (bytes, problem) => {
  expect(() => decodeBytesTensor(new Uint8Array(bytes))).toThrow(problem);
});
