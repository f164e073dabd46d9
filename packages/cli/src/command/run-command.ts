import { InferenceError } from '@nereid/client';
import { nearestName } from '@nereid/protocol';
import { visibleText } from '../terminal/visible-text.ts';
import type { Command, CommandContext } from './command.ts';
import { CommandError, exitStatus } from './exit-status.ts';
import { commandHelp, groupHelp } from './help.ts';
import { parseArguments } from './parse-arguments.ts';

/** Commands with a word before them, as in `nereid manage list-models`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

/** Runs a command of a group. @returns what the process ends with. */
export async function runGroup(
  group: CommandGroup,
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  const [word, ...rest] = argv;
  const help = groupHelp(group.name, group.summary, group.commands);
  if (word === undefined || isHelp(word)) {
    context.stdout.write(help);
    return exitStatus.done;
  }
  const command = group.commands.find(({ name }) => name === `${group.name} ${word}`);
  if (command !== undefined) return runCommand(command, rest, context);
  const words = group.commands.map(({ name }) => name.slice(group.name.length + 1));
  const near = nearestName(word, words);
  const hint = near === null ? '' : `: did you mean ${near}?`;
  tell(context, group.name, `there is no command '${word}'${hint}`);
  context.stderr.write(`\n${help}`);
  return exitStatus.usage;
}

/** Runs a command; whatever fails is told in a line. @returns what the process ends with. */
export async function runCommand(
  command: Command,
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  const end = argv.indexOf('--');
  if (argv.slice(0, end < 0 ? argv.length : end).some(isHelpFlag)) {
    context.stdout.write(commandHelp(command));
    return exitStatus.done;
  }
  try {
    return (await command.run(parseArguments(command, argv), context)) ?? exitStatus.done;
  } catch (error) {
    return fail(command, error, context);
  }
}

function fail(command: Command, error: unknown, context: CommandContext): number {
  if (context.signal.aborted) return exitStatus.interrupted;
  if (error instanceof CommandError) {
    tell(context, command.name, error.message);
    if (error.status === exitStatus.usage) {
      context.stderr.write(`\`nereid ${command.name} --help\` tells what it takes.\n`);
    }
    return error.status;
  }
  if (error instanceof InferenceError) {
    tell(context, command.name, error.message);
    return error.code === 'NOT_FOUND' ? exitStatus.notFound : exitStatus.failed;
  }
  if (isSystemError(error)) {
    tell(context, command.name, systemText(error));
    return error.code === 'ENOENT' ? exitStatus.notFound : exitStatus.failed;
  }
  throw error;
}

/** What the operating system refuses: a folder that may not be written to, a full disk. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

function systemText({ code, message, path }: NodeJS.ErrnoException): string {
  if (path === undefined) return message;
  if (code === 'ENOENT') return `there is no ${path}`;
  if (code === 'EACCES' || code === 'EPERM') return `${path}: permission denied`;
  if (code === 'EISDIR') return `${path} is a folder`;
  return message;
}

function tell({ stderr }: CommandContext, command: string, message: string): void {
  stderr.write(`nereid ${command}: ${visibleText(message.trim())}\n`);
}

function isHelp(word: string): boolean {
  return word === 'help' || isHelpFlag(word);
}

function isHelpFlag(word: string): boolean {
  return word === '--help' || word === '-h';
}
