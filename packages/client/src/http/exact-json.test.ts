import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseJsonExactly } from './exact-json.ts';

it('keeps the digits of long whole numbers', () => {
  expect(parseJsonExactly('[9223372036854775807,-9223372036854775808,1,2.5]')).toEqual([
    9223372036854775807n,
    -(2 ** 63),
    1,
    2.5,
  ]);
  expect(parseJsonExactly('{"a":1234567890123456}')).toEqual({ a: 1234567890123456 });
});

it('leaves strings, fractions and exponents alone', () => {
  const text =
    '["9223372036854775807 \\" 9223372036854775807",0.12345678901234567,1e20,12345678901234567e2]';
  expect(parseJsonExactly(text)).toEqual(JSON.parse(text));
});

/** With long whole numbers as doubles. */
function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? Number(item) : item)),
  );
}

it('reads all JSON as JSON.parse does, but for those numbers', () => {
  fc.assert(
    fc.property(fc.json(), fc.bigInt(), (text, long) => {
      const parsed = parseJsonExactly(`[${text},${long},"0123456789012345678"]`) as unknown[];
      expect(rounded(parsed[0])).toEqual(rounded(JSON.parse(text)));
      expect(BigInt(parsed[1] as number)).toBe(long);
    }),
  );
});
