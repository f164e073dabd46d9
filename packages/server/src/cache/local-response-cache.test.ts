import type { Tensor } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../core/logger.ts';
import { entryOverheadBytes, LocalResponseCache } from './local-response-cache.ts';
import { packedBytes } from './packed-outputs.ts';

function output(bytes: number, fill = 0): readonly Tensor[] {
  return [
    { name: 'OUT', dataType: 'UINT8', shape: [bytes], data: new Uint8Array(bytes).fill(fill) },
  ];
}

const bytesOf = (outputs: readonly Tensor[]): number => packedBytes(outputs) + entryOverheadBytes;

function setUp(sizeBytes: number) {
  const errors: string[] = [];
  const clock = new ManualClock();
  const logger = { ...silentLogger, error: (message: string) => errors.push(message) };
  return { cache: new LocalResponseCache({ sizeBytes, clock, logger }), errors, clock };
}

describe('LocalResponseCache', () => {
  it('keeps copies: the memory of an answer is used again', () => {
    const { cache } = setUp(1_000_000);
    const outputs = output(4, 7);
    cache.insert('a', outputs);
    outputs[0]?.data.fill(9);
    expect([...(cache.lookup('a')?.[0]?.data ?? [])]).toEqual([7, 7, 7, 7]);
  });

  it('never writes to memory that somebody got, whatever comes in its place', () => {
    const { cache } = setUp(bytesOf(output(4)));
    cache.insert('a', output(4, 1));
    cache.insert('b', output(4, 2));
    const got = cache.lookup('b')?.[0]?.data ?? new Uint8Array();
    cache.insert('c', output(4, 3));
    expect([[...got], [...(cache.lookup('c')?.[0]?.data ?? [])]]).toEqual([
      [2, 2, 2, 2],
      [3, 3, 3, 3],
    ]);
  });

  it('does not take outputs of another shape for alike', () => {
    const { cache } = setUp(2000);
    cache.insert('a', output(4, 1));
    const other: Tensor = { ...(output(4, 5)[0] as Tensor), shape: [2, 2] };
    cache.insert('b', [other]);
    expect(cache.counters()).toMatchObject({ entryCount: 1, usedBytes: bytesOf([other]) });
    expect(cache.lookup('b')).toMatchObject([{ shape: [2, 2] }]);
  });

  it('drops what was not asked for the longest', () => {
    const { cache } = setUp(3 * bytesOf(output(100)));
    for (const key of ['a', 'b', 'c']) cache.insert(key, output(100));
    cache.lookup('a');
    cache.insert('d', output(100));
    expect(['a', 'b', 'c', 'd'].filter((key) => cache.has(key))).toEqual(['a', 'c', 'd']);
    expect(cache.counters()).toMatchObject({ entryCount: 3, evictionCount: 1, hitCount: 1 });
  });

  it('refuses softly what is larger than it is, and drops nothing for it', () => {
    const { cache, errors, clock } = setUp(bytesOf(output(100)));
    cache.insert('a', output(100));
    for (let i = 0; i < 5; i++) cache.insert('big', output(101));
    expect(cache.has('a')).toBe(true);
    expect(cache.has('big')).toBe(false);
    const size = bytesOf(output(100));
    const text = `Failed to insert key [big] into response cache: Requested byte_size: ${size + 1} is greater than total cache size: ${size}`;
    expect(errors).toEqual([text]);
    clock.advanceMs(10_000);
    cache.insert('big', output(101));
    expect(errors[1]).toBe(`${text} (and 4 errors like it before)`);
  });

  it('replaces an entry, and counts its bytes once', () => {
    const { cache } = setUp(1_000_000);
    cache.insert('a', output(1000));
    cache.insert('a', output(10));
    expect(cache.counters()).toMatchObject({ entryCount: 1, usedBytes: bytesOf(output(10)) });
  });

  it('counts every byte that it holds, never holds more than its size, is an LRU, and leaves what it gave as it was', () => {
    const operation = fc.record({
      key: fc.integer({ min: 0, max: 9 }),
      bytes: fc.oneof(fc.constant(4000), fc.integer({ min: 0, max: 6000 })),
      insert: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20_000 }),
        fc.array(operation, { maxLength: 60 }),
        (sizeBytes, operations) => {
          const { cache } = setUp(sizeBytes);
          let model: { key: string; bytes: number; fill: number }[] = [];
          const given: { readonly data: Uint8Array; readonly fill: number }[] = [];
          for (const [fill, { key: number, bytes, insert }] of operations.entries()) {
            const key = String(number);
            const before = model.find((entry) => entry.key === key);
            if (!insert) {
              const data = cache.lookup(key)?.[0]?.data;
              expect(data?.length).toBe(before?.bytes);
              if (before === undefined || data === undefined) continue;
              model = [...model.filter((e) => e !== before), before];
              given.push({ data, fill: before.fill });
              continue;
            }
            cache.insert(key, output(bytes, fill));
            if (bytesOf(output(bytes)) > sizeBytes) continue;
            model = [...model.filter((entry) => entry !== before), { key, bytes, fill }];
            const used = () => model.reduce((sum, e) => sum + bytesOf(output(e.bytes)), 0);
            while (used() > sizeBytes) model.shift();
            expect(cache.counters()).toMatchObject({
              entryCount: model.length,
              usedBytes: used(),
            });
          }
          for (const { data, fill } of given)
            expect(data.every((byte) => byte === fill)).toBe(true);
        },
      ),
    );
  });
});
