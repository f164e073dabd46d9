import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { boundChild } from './bound-child.ts';
import { eventually } from './eventually.ts';
import { isAlive } from './process-table.ts';

const script = fileURLToPath(new URL('testing/leave-child.ts', import.meta.url));

it.each([null, 'SIGTERM', 'SIGKILL'] as const)(
  'a child does not outlive its parent, which ends by the signal %s',
  async (signal) => {
    const flags = ['--import=tsx', script, ...(signal === null ? [] : ['wait'])];
    const parent = boundChild(
      spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    const ended = once(parent, 'exit');
    const [line] = await once(parent.stdout, 'data');
    const child = Number(String(line));
    if (signal !== null) {
      expect(isAlive(child)).toBe(true);
      parent.kill(signal);
    }
    expect(await ended).toEqual(signal === null ? [0, null] : [null, signal]);
    await eventually(() => !isAlive(child));
  },
);

it('a command that does not exist is no child', async () => {
  const child = boundChild(spawn('/nowhere/at/all'));
  const [error] = await once(child, 'error');
  expect(error).toMatchObject({ code: 'ENOENT' });
});
