import { join } from 'node:path';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { checkout } from './checkout.ts';
import { type CommandEnd, runCommand } from './run-command.ts';

/** Where the Python files of these tests are. */
const pythonFolder: string = join(checkout, 'tests', 'e2e', 'python');

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
