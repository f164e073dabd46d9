import { runProcess } from './command/process-context.ts';
import { runCommand } from './command/run-command.ts';
import { infer } from './infer/infer.ts';

/** The command line `nereid infer ARGUMENTS…`. */
export async function main(argv: readonly string[]): Promise<void> {
  await runProcess((context) => runCommand(infer, argv, context));
}
