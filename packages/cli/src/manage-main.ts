import { runProcess } from './command/process-context.ts';
import { runGroup } from './command/run-command.ts';
import { manage } from './manage/manage.ts';

/** The command line `nereid manage ARGUMENTS…`. */
export async function main(argv: readonly string[]): Promise<void> {
  await runProcess((context) => runGroup(manage, argv, context));
}
