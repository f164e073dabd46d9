import { runProcess } from './command/process-context.ts';
import { runCommand } from './command/run-command.ts';
import { stats } from './stats/stats.ts';

/** The command line `nereid stats ARGUMENTS…`. */
export async function main(argv: readonly string[]): Promise<void> {
  await runProcess((context) => runCommand(stats, argv, context));
}
