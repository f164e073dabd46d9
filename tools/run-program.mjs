// Runs the programs that install and unpack what the tests and benchmarks need.
import { spawnSync } from 'node:child_process';

/** Enough for some hundred megabytes over a slow line. */
const timeoutMsDefault = 300_000;

/** Runs a program to its end. `output` is all that it printed, or why it could not be run. */
export function run(command, args, { cwd, env = {}, timeoutMs = timeoutMsDefault } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: timeoutMs,
    env: { ...process.env, ...env },
  });
  return { ok: status === 0, output: error?.message ?? `${stdout}${stderr}`.trim() };
}
