import { describe, expect, it } from 'vitest';
import { RangeAllocator } from './range-allocator.ts';

describe('RangeAllocator', () => {
  it('gives ranges that do not overlap, and gives freed ones again', () => {
    const ranges = new RangeAllocator(64 * 1024, 4096);
    expect([ranges.allocate(1), ranges.allocate(4097), ranges.allocate(4096)]).toEqual([
      0, 4096, 12288,
    ]);
    ranges.free(4096);
    expect(ranges.allocate(8193)).toBe(16384);
    expect([ranges.allocate(4096), ranges.allocate(4096)]).toEqual([4096, 8192]);
    expect(ranges.usedCount).toBe(5);
  });

  it('says when there is no room', () => {
    const ranges = new RangeAllocator(8192, 4096);
    expect(ranges.allocate(8193)).toBe(null);
    expect(ranges.allocate(8192)).toBe(0);
    expect(ranges.allocate(1)).toBe(null);
  });

  it('does not free what is not in use', () => {
    const ranges = new RangeAllocator(8192, 4096);
    ranges.allocate(10);
    ranges.free(0);
    expect(() => ranges.free(0)).toThrow('no range in use');
  });
});
