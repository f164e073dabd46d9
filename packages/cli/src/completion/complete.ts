import { readdirSync } from 'node:fs';
import type { Command, CommandContext, Completes, OptionSpec } from '../command/command.ts';
import { ParsedArguments } from '../command/parsed-arguments.ts';
import type { CommandGroup } from '../command/run-command.ts';
import { modelFolders } from '../manage/model-folders.ts';

/** What a shell offers; `files` and `directories` it finds by itself. */
export interface Offer {
  readonly words: readonly string[];
  readonly shell: 'files' | 'directories' | null;
}

const nothing: Offer = { words: [], shell: null };

/** All that can be completed. */
export interface CommandTree {
  /** Commands of one word whose arguments are not known here. */
  readonly others: readonly string[];
  /** What the help of one of these says. */
  readonly helpOf: (other: string) => string;
  readonly commands: readonly Command[];
  readonly groups: readonly CommandGroup[];
}

/**
 * What may stand for the last of these words, which may be empty.
 * @param words What follows `nereid` on the line.
 */
export function offerFor(
  words: readonly string[],
  tree: CommandTree,
  context: CommandContext,
): Offer {
  const [first = '', ...rest] = words;
  if (rest.length === 0) {
    const names = [
      ...tree.commands.map(({ name }) => name),
      ...tree.groups.map(({ name }) => name),
      ...tree.others,
    ];
    return { words: beginning(names, first), shell: null };
  }
  const group = tree.groups.find(({ name }) => name === first);
  if (group !== undefined && rest.length === 1) {
    const names = group.commands.map(({ name }) => name.slice(first.length + 1));
    return { words: beginning(names, rest[0] as string), shell: null };
  }
  const command =
    group?.commands.find(({ name }) => name === `${first} ${rest[0]}`) ??
    tree.commands.find(({ name }) => name === first);
  if (command === undefined) return otherOffer(first, rest.at(-1) ?? '', tree);
  return argumentOffer(command, group === undefined ? rest : rest.slice(1), context);
}

/** The flags that the help of a command begins lines with; what follows them may be a file. */
function otherOffer(name: string, last: string, tree: CommandTree): Offer {
  if (!last.startsWith('-') || last.includes('=') || !tree.others.includes(name)) {
    return { words: [], shell: 'files' };
  }
  const flags = [...tree.helpOf(name).matchAll(/^ {2}(--[\w-]+)/gmu)].map(([, flag = '']) => flag);
  return { words: beginning([...new Set([...flags, '--help'])], last), shell: null };
}

function argumentOffer(command: Command, words: readonly string[], context: CommandContext): Offer {
  const last = words.at(-1) ?? '';
  const before = words.at(-2);
  const [, joined, value = ''] = /^(--[\w-]+)=(.*)$/su.exec(last) ?? [];
  if (joined !== undefined) {
    const offer = valueOffer(optionOf(command, joined)?.completes, value, words, command, context);
    return { ...offer, words: offer.words.map((word) => `${joined}=${word}`) };
  }
  const option = before === undefined ? undefined : optionOf(command, before);
  if (option?.type === 'string') return valueOffer(option.completes, last, words, command, context);
  if (last.startsWith('-')) {
    const names = Object.entries(command.options)
      .filter(([, { hidden }]) => hidden !== true)
      .map(([name]) => `--${name}`);
    return { words: beginning([...names, '--help'], last), shell: null };
  }
  return valueOffer(command.positionals[0]?.completes, last, words, command, context);
}

function optionOf({ options }: Command, word: string): OptionSpec | undefined {
  if (word.startsWith('--')) return options[word.slice(2)];
  return Object.values(options).find(({ short }) => short !== undefined && word === `-${short}`);
}

function valueOffer(
  completes: Completes | undefined,
  begun: string,
  words: readonly string[],
  command: Command,
  context: CommandContext,
): Offer {
  if (completes === undefined) return nothing;
  if (completes === 'files' || completes === 'directories') return { words: [], shell: completes };
  if (typeof completes === 'string') {
    const folders = modelFolders(new ParsedArguments(valuesOf(command, words), []), context);
    const folder = completes === 'models' ? folders.models : folders.disabled;
    return { words: beginning(foldersIn(folder), begun), shell: null };
  }
  return { words: beginning(completes, begun), shell: null };
}

/** The values on the line so far, as far as they can be told. */
function valuesOf(command: Command, words: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [at, word] of words.entries()) {
    const [, name = '', joined] = /^--([\w-]+)(?:=(.*))?$/su.exec(word) ?? [];
    const value = joined ?? words[at + 1];
    if (command.options[name]?.type === 'string' && value !== undefined) values[name] = value;
  }
  return values;
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isFile() && !entry.name.startsWith('.'))
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function beginning(words: readonly string[], begun: string): string[] {
  return words.filter((word) => word.startsWith(begun)).sort();
}
