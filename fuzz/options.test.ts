import fc from 'fast-check';
import { expect, test } from 'vitest';
import { optionTable } from '../packages/server/src/options/option-table.ts';
import { parseOptions } from '../packages/server/src/options/parse-options.ts';
import { unbuiltOptionsInUse } from '../packages/server/src/options/unbuilt-options.ts';

const flag = fc.constantFrom(...optionTable.map((spec) => `--${spec.flag}`));
const value = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('true', '0', '-1', '1e9', 'a=b', 'a,b=c', 'health:a=b', '0:1', 'poll', '*'),
  fc.integer().map(String),
);
const argument = fc.oneof(
  fc.tuple(flag, value).map(([name, text]) => `${name}=${text}`),
  flag,
  value,
  value.map((text) => `--${text}`),
);

test('any command line is run, helped or refused in one printable line', () => {
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 8 }), (argv) => {
      const parsed = parseOptions(['--model-repository=/m', ...argv], {});
      if (parsed.kind === 'error') {
        expect(parsed.message).not.toBe('');
        expect(parsed.message).not.toMatch(/\p{Cc}/u);
      }
      if (parsed.kind !== 'run') return;
      const { options } = parsed;
      for (const line of unbuiltOptionsInUse(options)) expect(line).toMatch(/^--/);
      for (const { port } of [options.http, options.grpc, options.metrics]) {
        expect(port >= 0 && port <= 65_535 && Number.isInteger(port)).toBe(true);
      }
      expect(options.metrics.intervalMs).toBeGreaterThan(0);
      expect(options.http.bodyBytesMax).toBeGreaterThan(0);
    }),
    { numRuns: 3000 },
  );
});
