import fc from 'fast-check';
import { expect, it } from 'vitest';
import { descendingKeys, type OrderedType } from './class-order.ts';
import { firstElements } from './element-order.ts';

type NumberArray = ArrayLike<number | bigint> & ArrayBufferView;

const double = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, 5e-324),
);
/** Many that are the same, and all that there are. */
const integer = (bits: number, signed: boolean): fc.Arbitrary<number> => {
  const min = signed ? -(2 ** (bits - 1)) : 0;
  const max = min + 2 ** bits - 1;
  return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max, 0, 1, 2));
};
const bigint = (min: bigint, max: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n, 1n, max - 1n, min + 2n ** 32n));

const arrays: readonly [OrderedType, fc.Arbitrary<NumberArray>][] = [
  ['FP32', many(double).map((values) => Float32Array.from(values))],
  ['FP64', many(double).map((values) => Float64Array.from(values))],
  ['INT8', many(integer(8, true)).map((values) => Int8Array.from(values))],
  ['INT16', many(integer(16, true)).map((values) => Int16Array.from(values))],
  ['INT32', many(integer(32, true)).map((values) => Int32Array.from(values))],
  ['UINT8', many(integer(8, false)).map((values) => Uint8Array.from(values))],
  ['UINT16', many(integer(16, false)).map((values) => Uint16Array.from(values))],
  ['UINT32', many(integer(32, false)).map((values) => Uint32Array.from(values))],
  ['INT64', many(bigint(-(2n ** 63n), 2n ** 63n - 1n)).map((values) => BigInt64Array.from(values))],
  ['UINT64', many(bigint(0n, 2n ** 64n - 1n)).map((values) => BigUint64Array.from(values))],
];

/** Few are sorted in another way than many. */
function many<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(value, { minLength: 1, maxLength: 300, size: 'max' });
}

it.each(arrays)('elements of %s come as a sort of all of them has them', (dataType, values) => {
  fc.assert(
    fc.property(values, fc.nat(400), (array, more) => {
      const count = Math.min(more + 1, array.length);
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      const found = firstElements(descendingKeys(dataType, bytes), count);
      expect([...found]).toEqual(sortedIndexes(array).slice(0, count));
    }),
  );
});

function sortedIndexes(values: NumberArray): number[] {
  return Array.from(values, (_, index) => index).sort((a, b) => {
    const [x, y] = [values[a] as number | bigint, values[b] as number | bigint];
    const [xIsNone, yIsNone] = [Number.isNaN(x), Number.isNaN(y)];
    if (xIsNone || yIsNone) return Number(xIsNone) - Number(yIsNone) || a - b;
    return x > y ? -1 : x < y ? 1 : a - b;
  });
}
