import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { descendingKeys } from './class-order.ts';
import { unstableOrder } from './unstable-order.ts';

function order(values: readonly number[]): number[] {
  return [
    ...unstableOrder(descendingKeys('FP32', new Uint8Array(Float32Array.from(values).buffer))),
  ];
}

/** Words of numbers, as the C++ program that made them took and wrote them. */
const numbers = (text: string): number[] => text.trim().split(/\s+/u).map(Number);

/** Made against the median of three, so that the heap has its turn; each value three times. */
const adversary = numbers(`
-31 0 -23 -1 -28 -1 -23 -2 -33 -3 -22 -3 -27 -4 -21 -5 -30 -5 -21 -6 -27 -7 -8 -7 -32 -32 -31 -30 -30 -29 -28 -28 -27 -26 -26 -25 -24 -24 -23 -22 -22 -21 -31 -26 -29 -25 -32 -25 -29 -24 0 0 -1 -2 -2 -3 -4 -4 -5 -6 -6 -7 -20 -19 -20 -19 -19 -18 -18 -17 -18 -17 -17 -16 -16 -15 -16 -15 -15 -14 -14 -13 -14 -13 -13 -12 -12 -11 -12 -11 -11 -10 -10 -9 -10 -9 -9 -8 -8 -20`);

/** Orders that `std::sort` of GNU's libstdc++ has left, compared by `>`. */
describe('the order of std::sort', () => {
  it.each([
    ['one', [5], [0]],
    ['few', [1, 1, 2, 1], [2, 0, 1, 3]],
    [
      'twenty of the same',
      new Array(20).fill(1),
      numbers('10 19 18 17 16 15 14 13 12 11 0 9 8 7 6 5 4 3 2 1'),
    ],
    [
      'five values',
      Array.from({ length: 40 }, (_, i) => (i * 7) % 5),
      numbers(
        '17 2 37 22 7 32 27 12 9 24 14 29 19 34 4 39 21 1 26 31 36 16 11 6 18 23 38 13 28 3 8 33 0 20 5 35 10 30 15 25',
      ),
    ],
    [
      'an adversary',
      adversary,
      numbers(`
1 51 50 3 5 52 7 54 53 9 55 11 13 56 57 15 17 58 19 59 60 21 23 61 22 97 98 96 95 93 94 92 91 90 87 89 88 85 86 84 83 81 82 80 79 78 77 75 74 73 76 72 71 69 70 68 67 66 65 63 62 64 99 14 18 41 39 10 40 6 38 2 49 36 37 35 47 45 34 33 43 32 20 12 4 31 30 48 44 29 28 27 16 0 42 26 46 25 24 8`),
    ],
  ])('is that of %s', (_, values, expected) => {
    expect(order(values)).toEqual(expected);
  });

  it('is one of the values, whatever they are', () => {
    const values = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 400, size: 'max' });
    fc.assert(
      fc.property(values, (array) => {
        const sorted = order(array);
        expect(new Set(sorted).size).toBe(array.length);
        expect(sorted.map((index) => array[index])).toEqual(array.toSorted((a, b) => b - a));
      }),
    );
  });
});
