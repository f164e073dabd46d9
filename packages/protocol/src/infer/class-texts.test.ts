import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ClassTexts } from './class-texts.ts';

function textOf(value: number | bigint, decimals = true): string {
  const texts = new ClassTexts(1, decimals);
  texts.add(value, 7, '');
  const data = texts.tensorData();
  expect(data.readUInt32LE()).toBe(data.length - 4);
  return data.toString('latin1', 4).replace(/:7$/u, '');
}

/** Of the exact value, in whole numbers: to the nearest, of two to the even one. */
function exactText(value: number): string {
  const [numerator, denominator] = fractionOf(Math.abs(value));
  const scaled = numerator * 1_000_000n;
  let millionths = scaled / denominator;
  const twice = (scaled % denominator) * 2n;
  if (twice > denominator || (twice === denominator && millionths % 2n === 1n)) millionths++;
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const rest = String(millionths % 1_000_000n).padStart(6, '0');
  return `${sign}${millionths / 1_000_000n}.${rest}`;
}

function fractionOf(value: number): [bigint, bigint] {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const exponent = Number(bits.getBigUint64(0) >> 52n);
  const mantissa = bits.getBigUint64(0) & (2n ** 52n - 1n);
  const whole = exponent === 0 ? mantissa : mantissa + 2n ** 52n;
  const power = Math.max(exponent, 1) - 1075;
  return power < 0 ? [whole, 2n ** BigInt(-power)] : [whole * 2n ** BigInt(power), 1n];
}

const finite = { noNaN: true, noDefaultInfinity: true };

it.each([
  ['any', fc.double(finite)],
  ['probabilities', fc.double({ min: 0, max: 1, noNaN: true })],
  ['scores', fc.double({ min: -100, max: 100, noNaN: true })],
  ['what 32 bits hold', fc.float(finite)],
  ['what lies in the middle of two', fc.integer().map((odd) => (2 * odd + 1) / 128)],
  ['what lies beside it', fc.integer({ min: 0, max: 1e9 }).map((n) => (n + 0.5) / 1e6)],
  ['what is around the bound', fc.double({ min: 3_999_999, max: 4_000_001, noNaN: true })],
])('decimals of %s are those of the exact value', (_, values) => {
  fc.assert(
    fc.property(values, (value) => {
      expect(textOf(value)).toBe(exactText(value));
    }),
    { numRuns: 500 },
  );
});

it.each([
  [0, '0'],
  [-1, '-1'],
  [999_999_999, '999999999'],
  [1_000_000_000, '1000000000'],
  [4_294_967_295, '4294967295'],
  [-2_147_483_648, '-2147483648'],
  [2n ** 64n - 1n, '18446744073709551615'],
])('whole numbers are as they are: %s', (value, text) => {
  expect(textOf(value, false)).toBe(text);
});

it('grows with long labels', () => {
  const texts = new ClassTexts(1, true);
  const label = 'ü'.repeat(5000);
  for (let index = 0; index < 3; index++) texts.add(Number.MAX_VALUE, index, label);
  const element = `${exactText(Number.MAX_VALUE)}:2:${label}`;
  expect(texts.tensorData().toString().endsWith(element)).toBe(true);
});
