import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { ensurePythonEnv } from '../../tools/python-env.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const checkout = join(here, '..', '..');
/** Answers recorded from a real Triton, and the tools that compare; they lie beside the checkout. */
const recorded = join(checkout, '..', 'shared', 'conformance');

/** HTTP cases that must match, by profile: the number goes up as features are built, never down. */
const expectedMatches: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(join(here, 'expected-matches.json'), 'utf8'),
);

const work = mkdtempSync(join(tmpdir(), 'nereid-conformance-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Totals {
  readonly match?: number;
  readonly text?: number;
  readonly mismatch?: number;
}

/** Runs one profile. @returns what was counted, and what differs beyond what allowed.json explains. */
async function compare(profile: string, port: number): Promise<{ totals: Totals; output: string }> {
  const report = join(work, `${profile}.json`);
  const server = `${process.execPath} ${join(checkout, 'packages', 'server', 'bin', 'tritonserver.js')}`;
  const child = spawn(
    ensurePythonEnv(),
    [
      join(recorded, 'run_profiles.py'),
      'compare',
      '--newer',
      ...['--server', server],
      ...['--golden', join(recorded, 'golden')],
      ...['--port', String(port)],
      ...['--profiles', profile],
      '--',
      ...['--proto', 'http'],
      ...['--allow', join(here, 'allowed.json')],
      ...['--json', report],
    ],
    { cwd: checkout, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  await new Promise((resolve) => child.on('close', resolve));
  if (!existsSync(report)) throw new Error(`no report was written:\n${output}`);
  return { totals: JSON.parse(readFileSync(report, 'utf8')).totals, output };
}

describe.skipIf(!existsSync(recorded))('answers of a real Triton, over HTTP', () => {
  it.each(
    Object.entries(expectedMatches).map(([profile, matches], index) => ({
      profile,
      matches,
      index,
    })),
  )(
    'profile $profile',
    async ({ profile, matches, index }) => {
      const { totals, output } = await compare(profile, 19_310 + index * 3);
      expect(totals.mismatch ?? 0, output).toBe(0);
      expect(totals.text ?? 0, output).toBe(0);
      expect(totals.match ?? 0, output).toBeGreaterThanOrEqual(matches);
    },
    300_000,
  );
});
