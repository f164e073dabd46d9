import { expect, it } from 'vitest';
import { fromBfloat16Bits, fromFloat16Bits, toBfloat16Bits, toFloat16Bits } from './half-float.ts';

it.each([
  [0, 0x0000],
  [-0, 0x8000],
  [1, 0x3c00],
  [-2, 0xc000],
  [65504, 0x7bff],
  [65519.99, 0x7bff],
  [65520, 0x7c00],
  [Number.NEGATIVE_INFINITY, 0xfc00],
  [2 ** -24, 0x0001],
  [2 ** -25, 0x0000],
  [2 ** -25 * 1.001, 0x0001],
  [2 ** -14, 0x0400],
  [2 ** -14 - 2 ** -26, 0x0400],
  [1 + 2 ** -11, 0x3c00],
  [1 + 3 * 2 ** -11, 0x3c02],
  [2 - 2 ** -12, 0x4000],
  [0.1, 0x2e66],
])('rounds %d to the FP16 %i', (value, bits) => {
  expect(toFloat16Bits(value)).toBe(bits);
});

it('gives every FP16 pattern back', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = fromFloat16Bits(bits);
    if (Number.isNaN(value)) expect(toFloat16Bits(value)).toBe(0x7e00);
    else if (toFloat16Bits(value) !== bits) expect.fail(`${bits} became ${value}`);
  }
});

it('gives every BF16 pattern back, and rounds ties to even', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = fromBfloat16Bits(bits);
    if (Number.isNaN(value)) expect(toBfloat16Bits(value)).toBe(0x7fc0);
    else if (toBfloat16Bits(value) !== bits) expect.fail(`${bits} became ${value}`);
  }
  expect(fromBfloat16Bits(0x3f80)).toBe(1);
  expect(toBfloat16Bits(1 + 2 ** -8)).toBe(0x3f80);
  expect(toBfloat16Bits(1 + 3 * 2 ** -8)).toBe(0x3f82);
  expect(toBfloat16Bits(3.4e38)).toBe(0x7f80);
});
