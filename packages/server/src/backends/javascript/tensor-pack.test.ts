import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeTensors } from '../worker/worker-tensors.ts';
import { inlineBytesMax, PackReader, packTensors } from './tensor-pack.ts';

const tensor = (byteCount: number, seed = byteCount) => ({
  name: `t${byteCount}`,
  dataType: 'UINT8' as const,
  shape: [byteCount],
  data: Uint8Array.from({ length: byteCount }, (_, index) => (index * 7 + seed) % 256),
});

describe('packTensors', () => {
  it('gives back what it was given, through a real hand-over', () => {
    const sizes = fc.array(
      fc.oneof(fc.nat(40), fc.integer({ min: inlineBytesMax - 2, max: inlineBytesMax + 20 })),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(sizes, fc.func(fc.boolean()), (counts, movable) => {
        const tensors = counts.map((count) => tensor(count));
        const copies = tensors.map(({ data }) => data.slice());
        const described = describeTensors(tensors);
        const data = tensors.map((one) => one.data);
        const { packed, large, transfer } = packTensors(data, movable);
        const post = structuredClone([{}, packed, large] as const, { transfer });
        const taken = new PackReader(post).take(described);
        // Compared as bytes: the matcher would look at each element.
        const same = taken.map((one, index) => Buffer.compare(one.data, copies[index] ?? one.data));
        expect(same).toEqual(copies.map(() => 0));
        expect(taken.map(({ name }) => name)).toEqual(tensors.map(({ name }) => name));
      }),
      { numRuns: 40 },
    );
  });

  it('lays every small tensor where arrays of each type can begin', () => {
    const { packed, large } = packTensors([tensor(3).data, tensor(9).data, tensor(8).data]);
    const tensors = new PackReader([{}, packed, large]).take([
      ['a', 'UINT8', [3], 3],
      ['b', 'UINT8', [9], 9],
      ['c', 'INT64', [1], 8],
    ]);
    expect(tensors.map(({ data }) => data.byteOffset % 8)).toEqual([0, 0, 0]);
  });

  it('moves the memory of a large tensor only where that is said', () => {
    const kept = tensor(inlineBytesMax + 1).data;
    const moved = tensor(inlineBytesMax + 1).data;
    const small = tensor(10).data;
    const { transfer, large } = packTensors([kept, moved, small], (index) => index === 1);
    expect(transfer).not.toContain(kept.buffer);
    expect(transfer).toContain(moved.buffer);
    expect(large[1]).toBe(moved);
  });

  it('hands one memory over once, however many tensors lie on it', () => {
    const { data } = tensor(inlineBytesMax + 1);
    const { transfer } = packTensors([data, data], () => true);
    expect(transfer.filter((memory) => memory === data.buffer)).toHaveLength(1);
  });
});

describe('PackReader', () => {
  it.each([
    ['more bytes than there are', ['a', 'UINT8', [100], 100]],
    ['a large tensor that did not come', ['a', 'UINT8', [99_999], 99_999]],
    ['a type that is none', ['a', 'UINT7', [3], 3]],
  ] as const)('refuses %s', (_, description) => {
    const { packed, large } = packTensors([tensor(3).data]);
    expect(() => new PackReader([{}, packed, large]).take([description])).toThrow(
      "tensor 'a' of the worker is not in its message",
    );
  });
});
