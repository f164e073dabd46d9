import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonReader } from '../packages/protocol/src/json/json-reader.ts';
import { JsonSpan } from '../packages/protocol/src/json/json-value.ts';
import { parseJson, readJson } from '../packages/protocol/src/json/parse-json.ts';
import { TritonError } from '../packages/protocol/src/triton-error.ts';

/** What JSON.parse says, or undefined where it refuses. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Objects and numbers as JSON.parse makes them. */
function asParsed(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(asParsed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, asParsed(member)]),
  );
}

const wordsOfJson = fc.constantFrom(
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ' ',
    '\n',
    '"',
    '\\',
    '"a"',
    '"data":',
    '0',
    '-',
    '1.5',
    'e3',
    '.',
  ],
  ...[
    'NaN',
    'Inf',
    '-Infinity',
    'true',
    'false',
    'null',
    '\\ud83d',
    '\\ude00',
    '\\u0041',
    '\0',
    'é',
  ],
  ...['18446744073709551616', '9007199254740993', '1e999', '0.1'],
);
const jsonLike = fc.array(wordsOfJson, { maxLength: 24 }).map((words) => words.join(''));

test('valid JSON reads as JSON.parse reads it', () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 5, stringUnit: 'binary' }),
      fc.constantFrom('', ' ', '\n\t'),
      (json, blank) => {
        const text = blank + json + blank;
        const expected = JSON.parse(text);
        expect(asParsed(parseJson(Buffer.from(text)))).toEqual(
          JSON.parse(JSON.stringify(expected)),
        );
      },
    ),
    { numRuns: 1500 },
  );
});

test('doubles and integers read exactly', () => {
  fc.assert(
    fc.property(
      fc.double({ noDefaultInfinity: true, noNaN: true }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      (double, integer) => {
        const [first, second] = parseJson(Buffer.from(`[${double},${integer}]`)) as (
          | number
          | bigint
        )[];
        // 2^53 and beyond may come as a bigint; -0 as an integer has no sign.
        expect(Number(first) + 0).toBe(double + 0);
        expect(BigInt(second ?? 0)).toBe(integer);
      },
    ),
    { numRuns: 2000 },
  );
});

test('what JSON.parse takes is taken, what is refused is a TritonError with an offset inside the text', () => {
  fc.assert(
    fc.property(jsonLike, (text) => {
      const expected = parsed(text);
      const bytes = Buffer.from(text);
      try {
        parseJson(bytes);
      } catch (failure) {
        expect(failure).toBeInstanceOf(TritonError);
        const offset = / at (\d+)$/.exec((failure as TritonError).message)?.[1];
        expect(Number(offset)).toBeLessThanOrEqual(bytes.length);
        // rapidjson refuses numbers beyond a double and halves of surrogates, of all that is valid.
        if (expected !== undefined) expect(text).toMatch(/[eE]\+?\d{3}|\\ud83d/);
      }
    }),
    { numRuns: 6000 },
  );
});

test('any bytes read or are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        readJson(bytes);
      } catch (failure) {
        expect(failure).toBeInstanceOf(TritonError);
      }
    }),
    { numRuns: 3000 },
  );
});

test('an array that is left where it is has the same faults as one that is read', () => {
  const outcome = (text: string, spanName: string | null): unknown => {
    try {
      const value = new JsonReader(Buffer.from(text), spanName).read();
      return value instanceof Map ? value.get('data') : value;
    } catch (failure) {
      return (failure as TritonError).message;
    }
  };
  fc.assert(
    fc.property(jsonLike, (inner) => {
      const text = `{"data":[${inner}]}`;
      const left = outcome(text, 'data');
      const read = outcome(text, null);
      if (left instanceof JsonSpan) {
        expect(outcome(Buffer.from(text).toString('utf8', left.start, left.end), null)).toEqual(
          read,
        );
        expect(Array.isArray(read)).toBe(true);
      } else {
        expect(left).toBe(read);
      }
    }),
    { numRuns: 4000 },
  );
});
