import { runProcess } from './command/process-context.ts';
import { runCommand } from './command/run-command.ts';
import { types } from './types/types.ts';

/** The command line `nereid types ARGUMENTS…`. */
export async function main(argv: readonly string[]): Promise<void> {
  await runProcess((context) => runCommand(types, argv, context));
}
