import { expect, it } from 'vitest';
import { bytesText, clockText, countText, nanosecondsText } from './quantity-text.ts';

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [12_345_678, '12.3 MB'],
  [999_950, '1.00 MB'],
  [2.5e15, '2.50 PB'],
])('tells %d bytes as %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

it.each([
  [85, '85 ns'],
  [1_240_000, '1.24 ms'],
  [123_456, '123 µs'],
  [99e9, '99.0 s'],
])('tells %d nanoseconds as %s', (nanoseconds, text) => {
  expect(nanosecondsText(nanoseconds)).toBe(text);
});

it.each([
  [7, '0:07'],
  [61, '1:01'],
  [3723, '1:02:03'],
])('tells %d seconds as %s', (seconds, text) => {
  expect(clockText(seconds)).toBe(text);
});

it('parts thousands', () => {
  expect(countText(12_345.4)).toBe('12,345');
});
