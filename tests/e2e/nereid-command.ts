import { join } from 'node:path';
import { ensureFreshBuild } from '@nereid/test-kit';
import { checkout } from './checkout.ts';
import { type CommandEnd, runCommand } from './run-command.ts';

/** The file that `npx nereid` runs. */
export const nereidScript: string = join(checkout, 'packages', 'server', 'bin', 'nereid.js');

/** Runs `nereid ARGUMENTS` of the checkout. */
export function runNereid(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<CommandEnd> {
  ensureFreshBuild();
  return runCommand(process.execPath, [nereidScript, ...args], options.env, options.cwd);
}
