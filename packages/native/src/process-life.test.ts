import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** Runs a script of ours in a process of its own. */
function start(
  name: string,
  args: readonly string[],
): {
  readonly ready: Promise<void>;
  readonly kill: () => void;
  readonly ended: Promise<{ code: number | null; signal: string | null; output: string }>;
} {
  const path = fileURLToPath(new URL(`testing/${name}`, import.meta.url));
  const flags = ['--expose-gc', '--import', 'tsx', '--conditions=nereid-source'];
  const child = spawn(process.execPath, [...flags, path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let onReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('ready')) onReady();
    });
  }
  const ended = new Promise<{ code: number | null; signal: string | null; output: string }>(
    (resolve) => {
      child.once('close', (code, signal) => {
        onReady();
        resolve({ code, signal, output });
      });
    },
  );
  return { ready, kill: () => child.kill('SIGTERM'), ended };
}

describe('a process ends without a crash and without waiting', () => {
  test.each(['return', 'exit'])('by %s, with sessions and runs alive', async (way) => {
    const process = start('leave-running.ts', [way]);
    expect(await process.ended).toMatchObject({ code: 0, signal: null });
  });

  test('by a signal, during a run', async () => {
    const process = start('leave-running.ts', ['signal']);
    await process.ready;
    process.kill();
    expect(await process.ended).toMatchObject({ code: 0, signal: null });
  });
});

/** Enough to see a leak of a hundredth of a model at each load; more by NATIVE_LOAD_CYCLES. */
const CYCLES = process.env['NATIVE_LOAD_CYCLES'] ?? '100';
/** What may be left: 5 %. A single leaked model would be 13 %. */
const GROWTH_MAX = 1.05;

test(`${CYCLES} loads and releases of a 20 MB model leave the memory as it was`, async () => {
  const { code, output } = await start('load-cycles.ts', [CYCLES]).ended;
  expect(code, output).toBe(0);
  const { modelBytes, before, after } = JSON.parse(output.slice(output.indexOf('{'))) as {
    modelBytes: number;
    before: number;
    after: number;
  };
  expect(modelBytes).toBeGreaterThan(20_000_000);
  expect(after / before).toBeLessThan(GROWTH_MAX);
}, 120_000);
