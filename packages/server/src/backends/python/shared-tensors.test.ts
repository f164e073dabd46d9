import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../core/clock.ts';
import { SharedBlocks } from '../../memory/shared-blocks.ts';
import { SharedTensors } from './shared-tensors.ts';

const large = 100_000;
let blocks: SharedBlocks;

function tensors(): SharedTensors {
  blocks = new SharedBlocks();
  blocks.acquire();
  return new SharedTensors(blocks, systemClock);
}

afterEach(() => blocks.release());

describe.runIf(process.platform === 'linux')('SharedTensors', () => {
  it('gives tensors where they are, and copies of others', () => {
    const shared = tensors();
    const own = blocks.allocate(large) as Buffer;
    expect(shared.give(own)).toBe(blocks.placeOf(own));
    expect([shared.give(own.subarray(0, 1000)), shared.give(Buffer.alloc(large))]).toEqual([
      null,
      null,
    ]);
    const pieces = [Buffer.alloc(large, 1), Buffer.alloc(large, 2)];
    const place = shared.giveCopy(pieces, 2 * large) as number;
    expect(Buffer.concat(pieces).equals(shared.given(place, 2 * large))).toBe(true);
    expect([shared.giveCopy([Buffer.alloc(10)], 10)]).toEqual([null]);
  });

  it('finds what the worker has, and nothing else', () => {
    const shared = tensors();
    const own = blocks.allocate(2 * large) as Buffer;
    const place = shared.give(own.subarray(8, large)) as number;
    expect(shared.given(place + 4, 12).byteOffset).toBe(12);
    expect(() => shared.given(place - 1, 12)).toThrow('were not given');
    expect(() => shared.given(place, large)).toThrow('were not given');
    shared.letGo(place);
    expect(() => shared.given(place, 1)).toThrow('were not given');
    expect(() => shared.letGo(place)).toThrow('nothing was given');
  });

  it('grants memory for answers as large as the last', () => {
    const shared = tensors();
    expect(shared.grant(1)).toBe(null);
    expect(shared.answered(1, large, false)).toBe(null);
    const grant = shared.grant(2);
    expect(grant?.memory.length).toBe(large);
    expect(() => shared.answered(3, 1, true)).toThrow('was not granted');
    expect(shared.answered(2, large - 1, true)).toBe(grant?.memory);
    expect(shared.grant(4)?.memory.length).toBe(large - 1);
    expect(() => shared.answered(4, large, true)).toThrow('was not granted');
    shared.answered(5, 0, false);
    expect(shared.grant(6)).toBe(null);
  });

  it('uses memory again that was granted in vain', () => {
    const shared = tensors();
    shared.answered(1, large, false);
    const first = shared.grant(2)?.memory;
    shared.answered(2, large, false);
    expect(shared.grant(3)?.memory.buffer).toBe(first?.buffer);
  });

  it('lets go of everything when the worker is gone', () => {
    const shared = tensors();
    const place = shared.giveCopy([Buffer.alloc(large)], large) as number;
    const copy = shared.given(place, large);
    shared.answered(1, large, false);
    const granted = shared.grant(2)?.memory;
    shared.close();
    const again = [shared.memory.allocate(large, 0), shared.memory.allocate(large, 0)];
    expect(new Set(again.map(({ buffer }) => buffer))).toEqual(
      new Set([copy.buffer, granted?.buffer]),
    );
  });
});
