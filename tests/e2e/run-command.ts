import { spawn } from 'node:child_process';
import { boundChild } from '@nereid/test-kit';
import { checkout } from './checkout.ts';

/** How a command ended, and what it wrote. */
export interface CommandEnd {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams, in the order in which they came. */
  readonly output: string;
}

/**
 * Runs a command and collects what it writes.
 * @param env added to this process's environment
 * @param cwd its working directory
 */
export function runCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd: string = checkout,
): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    const child = boundChild(
      spawn(command, args, {
        cwd,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    let [stdout, stderr, output] = ['', '', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      output += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr, output }));
  });
}
