import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearestName } from '@nereid/protocol';
import type { Command } from './command.ts';
import { usageError } from './exit-status.ts';
import { ParsedArguments } from './parsed-arguments.ts';

/**
 * Reads a command's arguments.
 * @throws CommandError of the status `usage`, with what would be right.
 */
export function parseArguments(command: Command, argv: readonly string[]): ParsedArguments {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, { type, multiple, short }] of Object.entries(command.options)) {
    options[name] = {
      type,
      multiple: multiple === true,
      ...(short === undefined ? {} : { short }),
    };
  }
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw usageError(explain(command, argv, error));
  }
  checkPositionals(command, parsed.positionals);
  return new ParsedArguments(parsed.values, parsed.positionals);
}

function explain(command: Command, argv: readonly string[], error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const option = /'(--?[^']*)'/u.exec(message)?.[1] ?? argv.join(' ');
    const known = Object.keys(command.options).map((name) => `--${name}`);
    const near = nearestName(option, known);
    return `there is no option ${option}${near === null ? '' : `: did you mean ${near}?`}`;
  }
  // Node tells of a value that looks like an option in several lines; the first says enough.
  return (message.split('\n')[0] as string).replace(/\.$/u, '');
}

function checkPositionals(command: Command, given: readonly string[]): void {
  const { positionals } = command;
  const last = positionals.at(-1);
  if (last?.multiple !== true && given.length > positionals.length) {
    throw usageError(`there is no place for the argument '${given[positionals.length]}'`);
  }
  const missing = positionals.find(({ required }, index) => required && given.length <= index);
  if (missing !== undefined) throw usageError(`the argument ${missing.name} is missing`);
}
