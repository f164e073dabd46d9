import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { checkout } from './checkout.ts';

/** Where the Python files of these tests are. */
const pythonFolder: string = join(checkout, 'tests', 'e2e', 'python');

/** A command's end: its status and what it wrote, both streams in order. */
export interface CommandEnd {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a command and collects what it writes. The checkout is its working directory. */
export async function runCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(command, args, {
      cwd: checkout,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const add = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

/** Runs a script of `python/` with the tests' own Python. */
export async function runPython(
  script: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandEnd> {
  return runCommand(ensurePythonEnv(), [join(pythonFolder, script), ...args], env);
}

/**
 * Runs a pytest file of `python/`; throws its output when a test fails or none runs. Gives the last
 * line, with the count.
 */
export async function runPytest(
  file: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--tb=short'];
  const path = join(pythonFolder, file);
  const end = await runCommand(ensurePythonEnv(), [...args, path], env);
  if (end.status !== 0) throw new Error(`${file} ended with ${end.status}:\n${end.output}`);
  return end.output.trimEnd().split('\n').at(-1) ?? '';
}
