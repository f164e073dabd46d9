import { runProcess } from './command/process-context.ts';
import { runCommand } from './command/run-command.ts';
import { models } from './infer/models.ts';

/** The command line `nereid models ARGUMENTS…`. */
export async function main(argv: readonly string[]): Promise<void> {
  await runProcess((context) => runCommand(models, argv, context));
}
