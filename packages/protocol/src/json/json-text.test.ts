import { expect, it } from 'vitest';
import { jsonDoubleText, jsonStringLiteral } from './json-text.ts';

it.each([
  [0, '0.0'],
  [-0, '-0.0'],
  [1, '1.0'],
  [-42, '-42.0'],
  [0.1, '0.1'],
  [Math.fround(0.1), '0.10000000149011612'],
  [1e20, '100000000000000000000.0'],
  [1e21, '1e21'],
  [1.5e300, '1.5e300'],
  [1e-6, '0.000001'],
  [1e-7, '1e-7'],
  [-2.5e-10, '-2.5e-10'],
  [Number.MAX_VALUE, '1.7976931348623157e308'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, 'Infinity'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
])('writes the double %d as %s', (value, text) => {
  expect(jsonDoubleText(value)).toBe(text);
});

it('escapes what JSON strings cannot hold, with upper-case hex digits', () => {
  expect(jsonStringLiteral('plain é/\u007f')).toBe('"plain é/\u007f"');
  expect(jsonStringLiteral('"\\\b\f\n\r\t\u001f\u0000')).toBe(
    String.raw`"\"\\\b\f\n\r\t\u001F\u0000"`,
  );
});
