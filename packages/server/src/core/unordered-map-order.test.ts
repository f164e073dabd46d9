import { describe, expect, it } from 'vitest';
import { unorderedMapOrder } from './unordered-map-order.ts';

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `INPUT${i}${i % 3 === 0 ? '_longer_name' : ''}`);
}

/** Printed by a C++ program that fills a std::unordered_map with `names(n)` and iterates over it. */
const printed: Record<number, string> = {
  2: 'INPUT1 INPUT0_longer_name',
  4: 'INPUT3_longer_name INPUT2 INPUT1 INPUT0_longer_name',
  13: 'INPUT12_longer_name INPUT11 INPUT9_longer_name INPUT10 INPUT8 INPUT6_longer_name INPUT4 INPUT3_longer_name INPUT5 INPUT2 INPUT7 INPUT1 INPUT0_longer_name',
  14: 'INPUT13 INPUT1 INPUT7 INPUT2 INPUT5 INPUT4 INPUT3_longer_name INPUT6_longer_name INPUT8 INPUT10 INPUT0_longer_name INPUT9_longer_name INPUT11 INPUT12_longer_name',
  40: 'INPUT38 INPUT37 INPUT36_longer_name INPUT34 INPUT35 INPUT33_longer_name INPUT32 INPUT31 INPUT30_longer_name INPUT11 INPUT10 INPUT18_longer_name INPUT8 INPUT0_longer_name INPUT6_longer_name INPUT3_longer_name INPUT2 INPUT39_longer_name INPUT26 INPUT7 INPUT1 INPUT12_longer_name INPUT9_longer_name INPUT13 INPUT14 INPUT15_longer_name INPUT20 INPUT19 INPUT29 INPUT21_longer_name INPUT16 INPUT22 INPUT4 INPUT17 INPUT23 INPUT24_longer_name INPUT25 INPUT5 INPUT27_longer_name INPUT28',
};

describe('unorderedMapOrder', () => {
  it.each([2, 4, 13, 14, 40])('orders %i names as libstdc++ does, rehashing included', (count) => {
    expect(unorderedMapOrder(names(count)).join(' ')).toBe(printed[count]);
  });

  it('takes any number of names in bounded time', () => {
    const many = names(100_000);
    expect(unorderedMapOrder(many)).toHaveLength(100_000);
    expect(unorderedMapOrder([])).toEqual([]);
  });
});
