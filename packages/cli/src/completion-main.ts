import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Command } from './command/command.ts';
import { runProcess } from './command/process-context.ts';
import { runCommand } from './command/run-command.ts';
import { type CommandTree, offerFor } from './completion/complete.ts';
import { completion } from './completion/completion.ts';
import { infer } from './infer/infer.ts';
import { models } from './infer/models.ts';
import { manage } from './manage/manage.ts';
import { stats } from './stats/stats.ts';
import { types } from './types/types.ts';

/** The table of `nereid`, as its own bundle sees it. */
const commandTable = '../../bin/commands.js';
const commandScript = '../../bin/nereid.js';
const helpMsMax = 5000;

/** The command lines `nereid completion SHELL` and, for what that prints, `nereid complete -- WORDS…`. */
export async function main(argv: readonly string[]): Promise<void> {
  if (argv[0] !== '--') return runProcess((context) => runCommand(completion, argv, context));
  return runProcess(async (context) => {
    const offer = offerFor(argv.slice(1), commandTree(), context);
    context.stdout.write(offer.words.map((word) => `${word}\n`).join(''));
    if (offer.shell !== null) context.stdout.write(`\t${offer.shell}\n`);
    return 0;
  });
}

function commandTree(): CommandTree {
  const commands: readonly Command[] = [infer, models, stats, types, completion];
  const known = new Set([manage.name, ...commands.map(({ name }) => name)]);
  const table = createRequire(import.meta.url)(commandTable) as Record<string, unknown>;
  const others = Object.keys(table).filter((name) => !known.has(name) && name !== 'complete');
  return { commands, groups: [manage], others, helpOf };
}

/** The flags of the server and its doctor are in other bundles: they are asked as a user would. */
function helpOf(command: string): string {
  const script = fileURLToPath(new URL(commandScript, import.meta.url));
  const args = [script, command, '--help'];
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: helpMsMax }).stdout;
}
