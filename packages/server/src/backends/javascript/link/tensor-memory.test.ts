import { expect, it } from 'vitest';
import { TensorMemory } from './tensor-memory.ts';

it('gives each tensor bytes of its own, where arrays of every type can begin', () => {
  const memory = new TensorMemory();
  const sizes = [1, 8, 3, 4096, 4097, 0, 100, 16_384, 65_536, 4000, 4000, 4000, 4000];
  const tensors = sizes.map((size, index) => memory.take(size).fill(index));
  expect(tensors.map(({ byteLength }) => byteLength)).toEqual(sizes);
  expect(tensors.filter(({ byteOffset }) => byteOffset % 8 !== 0)).toEqual([]);
  expect(tensors.every((tensor, index) => tensor.every((value) => value === index))).toBe(true);
});

it('keeps little more than it is for a small tensor, and a large one in memory that is all its own', () => {
  const memory = new TensorMemory();
  expect(memory.take(100).buffer.byteLength).toBeLessThanOrEqual(64 * 1024);
  expect(memory.take(50_000).buffer.byteLength).toBe(50_000);
});

it('lets nobody hand the memory of other tensors away', () => {
  const memory = new TensorMemory();
  const [mine, other] = [memory.take(8).fill(1), memory.take(8).fill(2)];
  try {
    structuredClone(mine, { transfer: [mine.buffer as ArrayBuffer] });
  } catch {
    // Later versions refuse it, earlier ones copy.
  }
  expect(other.byteLength).toBe(8);
});
