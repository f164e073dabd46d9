import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { boundChild, freePorts } from '@nereid/test-kit';
import { afterAll, describe, expect, it } from 'vitest';
import { ensurePythonEnv } from '../../tools/python-env.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const checkout = join(here, '..', '..');
/** Answers recorded from a real Triton, and the tools that compare; they lie beside the checkout. */
const recorded = join(checkout, '..', 'shared', 'conformance');

/** Cases that must match, by profile and protocol: the numbers go up as features are built, never down. */
const expectedMatches: Readonly<Record<string, Readonly<Record<'http' | 'grpc', number>>>> =
  JSON.parse(readFileSync(join(here, 'expected-matches.json'), 'utf8'));

const work = mkdtempSync(join(tmpdir(), 'nereid-conformance-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Totals {
  readonly match?: number;
  readonly text?: number;
  readonly mismatch?: number;
}

/** Runs one profile. @returns what was counted, and what differs beyond what allowed.json explains. */
async function compare(
  profile: string,
  protocol: string,
): Promise<{ totals: Totals; output: string }> {
  const python = ensurePythonEnv();
  // The next two are for gRPC and metrics.
  const [port = 0] = await freePorts(3);
  const report = join(work, `${profile}-${protocol}.json`);
  const server = `${process.execPath} ${join(checkout, 'packages', 'server', 'bin', 'tritonserver.js')}`;
  // Python models run with the python that has what the tests need.
  const path = [dirname(python), process.env['PATH'] ?? ''].join(delimiter);
  const child = spawn(
    python,
    [
      join(recorded, 'run_profiles.py'),
      'compare',
      '--newer',
      ...['--server', server],
      ...['--golden', join(recorded, 'golden')],
      ...['--port', String(port)],
      ...['--profiles', profile],
      '--',
      ...['--proto', protocol],
      ...['--allow', join(here, 'allowed.json')],
      ...['--json', report],
    ],
    { cwd: checkout, env: { ...process.env, PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  boundChild(child);
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

const runs = Object.entries(expectedMatches).flatMap(([profile, byProtocol]) =>
  Object.entries(byProtocol).map(([protocol, matches]) => ({ profile, protocol, matches })),
);

describe.skipIf(!existsSync(recorded))('answers of a real Triton', () => {
  it.each(runs)(
    'profile $profile over $protocol',
    // Some cases depend on time, as a request that is cancelled while it waits.
    { retry: 1, timeout: 300_000 },
    async ({ profile, protocol, matches }) => {
      const { totals, output } = await compare(profile, protocol);
      expect(totals.mismatch ?? 0, output).toBe(0);
      expect(totals.text ?? 0, output).toBe(0);
      expect(totals.match ?? 0, output).toBeGreaterThanOrEqual(matches);
    },
  );
});
