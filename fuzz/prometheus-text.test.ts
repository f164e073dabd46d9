import fc from 'fast-check';
import { expect, test } from 'vitest';
import { labelText } from '../packages/server/src/observability/metric-labels.ts';
import { prometheusText } from '../packages/server/src/observability/prometheus-text.ts';

const sampleLine =
  /^[a-z_]+(\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")*\})? \S+$/;

test('any names and values make lines of the format, without control characters', () => {
  const labels = fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), {
    maxKeys: 4,
  });
  fc.assert(
    fc.property(labels, fc.double({ noNaN: true }), (pairs, value) => {
      const family = { name: 'a_total', type: 'counter', help: 'Help' } as const;
      const text = labelText(new Map(Object.entries(pairs)));
      const page = prometheusText([{ family, labels: text, value }]);
      const lines = page.split('\n');
      expect(lines).toHaveLength(4);
      expect(lines[2]).toMatch(sampleLine);
      expect(lines[2]).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    }),
    { numRuns: 3000 },
  );
});
