import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureFreshBuild } from '@nereid/test-kit';
import { checkout } from './checkout.ts';

/** How a command ended, its streams apart. */
export interface CommandOutcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The file that `npx nereid` runs. */
export const nereidScript: string = join(checkout, 'packages', 'server', 'bin', 'nereid.js');

/** Runs `nereid ARGUMENTS` of the checkout. */
export function runNereid(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<CommandOutcome> {
  ensureFreshBuild();
  return runToEnd(process.execPath, [nereidScript, ...args], options);
}

/** Runs any command and collects what it writes. */
export function runToEnd(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<CommandOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? checkout,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}
