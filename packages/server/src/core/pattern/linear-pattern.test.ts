import { cpuTimeMs } from '@nereid/test-kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinearPattern } from './linear-pattern.ts';
import { PatternError } from './pattern-error.ts';

function matches(pattern: string, text: string, ignoreCase = false): boolean {
  return new LinearPattern(pattern, ignoreCase).matchesPart(text);
}

describe('a pattern', () => {
  it.each([
    ['fwd-.*|keep_.*', 'my-keep_this', true],
    ['^fwd-', 'x-fwd-a', false],
    ['^(?:x-)?fwd$', 'x-fwd', true],
    ['', '', true],
    ['a|', 'z', true],
    ['(?i)X-[a-c]+$', 'x-ABC', true],
    ['a(?i:b)c', 'aBc', true],
    ['a(?i:b)c', 'aBC', false],
    ['a(?i)b|c', 'C', true],
    ['(?P<name>a)(?<other>b)', 'ab', true],
    ['[[:alpha:]_]{3}', 'a1_bb', true],
    ['^[^[:digit:]]+$', 'ab1', false],
    ['^[]a-]+$', ']-a', true],
    ['^[\\w.-]+$', 'a.b-c_1', true],
    ['\\bfwd\\b', 'x-fwd-y', true],
    ['\\bfwd\\b', 'xfwd', false],
    ['\\Afwd\\z', 'fwd', true],
    ['^\\Qa.b\\E+$', 'a.bb', true],
    ['\\Qa.b\\Ec', 'a.bc', true],
    ['\\x41\\x{42}\\103\\.', 'ABC.', true],
    ['^a{2,3}$', 'aaaa', false],
    ['^a{2,}?$', 'aaaa', true],
    ['a{,3}', 'a{,3}', true],
    ['x{0}y', 'y', true],
    ['.', '\n', false],
    ['(?s).', '\n', true],
    ['(?m)^b$', 'a\nb', true],
    ['é', 'é', false],
  ])('%s, found in %s: %s', (pattern, text, found) => {
    expect(matches(pattern, text)).toBe(found);
  });

  it('ignores case where it is told to', () => {
    expect(matches('^x-[a-f]{2}\\w$', 'X-ABZ', true)).toBe(true);
    expect(matches('[^a]', 'A', true)).toBe(false);
  });

  it.each([
    ['a)', 'unexpected )'],
    ['(a', 'missing )'],
    ['[a', 'unexpected end'],
    ['a\\', 'unexpected end'],
    ['*a', 'no argument for repetition operator: *'],
    ['a**', 'bad repetition operator'],
    ['a{1001}', 'bad repetition operator: {1001}'],
    ['a{3,2}', 'bad repetition operator: {3,2}'],
    ['((a{100}){100}){100}', 'pattern too large'],
    ['[b-a]', 'invalid character class range'],
    ['[[:nothing:]]', 'invalid character class: [:nothing:]'],
    ['(?=a)', 'invalid group: (?='],
    ['(a)\\1', 'invalid escape sequence: \\1'],
    ['\\pL', 'invalid escape sequence: \\p'],
    ['('.repeat(101), 'more than 100 groups in groups'],
    ['a'.repeat(5000), 'longer than 4096 characters'],
  ])('%s is refused', (pattern, text) => {
    expect(() => matches(pattern, '')).toThrow(PatternError);
    expect(() => matches(pattern, '')).toThrow(text);
  });

  it('takes no time that grows beyond all measure', () => {
    const text = `${'a'.repeat(16_000)}!`;
    const spentMs = cpuTimeMs(() => {
      for (const pattern of ['^(a+)+$', '^(a|a)*$', '(a*)*b', '^a*a*a*a*a*$', '(.*)*x(.*)*y']) {
        expect(matches(pattern, text)).toBe(false);
      }
    });
    expect(spentMs).toBeLessThan(5000);
  });

  it('finds what RegExp finds', () => {
    const atom = fc.constantFrom('a', 'b', '-', '.', '[ab]', '[^a]', '\\w', '\\b', '^', '$', '\\d');
    const pattern = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        atom,
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => a + b),
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
        fc
          .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '*?'))
          .map(([a, operator]) => `(?:${a})${operator}`),
      ),
    })).node;
    const text = fc.string({ unit: fc.constantFrom('a', 'A', 'b', '-', '1'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, fc.boolean(), (source, subject, ignoreCase) => {
        const expected = new RegExp(source, ignoreCase ? 'i' : '').test(subject);
        expect(matches(source, subject, ignoreCase)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });
});
