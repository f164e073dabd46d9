import type { OptionSpec, PositionalSpec } from '../command/command.ts';
import { usageError } from '../command/exit-status.ts';
import type { ParsedArguments } from '../command/parsed-arguments.ts';
import { checkModelName } from './model-folders.ts';

/** The model that a command is about, as `--model NAME` or just `NAME`. */
export function modelOption(completes: 'models' | 'disabled-models' = 'models'): {
  readonly positionals: readonly PositionalSpec[];
  readonly options: Readonly<Record<string, OptionSpec>>;
} {
  return {
    positionals: [{ name: 'MODEL', required: false, completes }],
    options: {
      model: { type: 'string', short: 'm', value: 'NAME', help: 'the model', completes },
    },
  };
}

/** @throws CommandError when no model is named, or two. */
export function modelNamed(given: ParsedArguments): string {
  const option = given.text('model');
  const [argument] = given.positionals;
  if (option !== null && argument !== undefined && option !== argument) {
    throw usageError(`two models are named: '${option}' and '${argument}'`);
  }
  const name = option ?? argument;
  if (name === undefined) throw usageError('which model? Name it with --model NAME');
  return checkModelName(name);
}
