import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CommandContext, OptionSpec } from '../command/command.ts';
import { usageError } from '../command/exit-status.ts';
import type { ParsedArguments } from '../command/parsed-arguments.ts';

/** The folders and the list that the commands for models work on. Absolute paths. */
export interface ModelFolders {
  /** What the others lie in. */
  readonly base: string;
  /** The repository that is served: `triton`. */
  readonly models: string;
  /** `triton-disabled`, beside it. */
  readonly disabled: string;
  /** `triton-config`, beside it: NAME/cpu.pbtxt and NAME/gpu.pbtxt. */
  readonly configs: string;
  /** `models.toml`: where the models come from. */
  readonly list: string;
}

const names = {
  models: 'triton',
  disabled: 'triton-disabled',
  configs: 'triton-config',
  list: 'models.toml',
};

/** The options that say where things lie. */
export const folderOptions: Readonly<Record<string, OptionSpec>> = {
  'base-dir': {
    type: 'string',
    value: 'DIR',
    help: 'the folder of models.toml, triton and triton-config (default $NEREID_BASE_DIR, else this one or its models folder)',
    completes: 'directories',
  },
  'models-dir': {
    type: 'string',
    value: 'DIR',
    help: 'the model repository (default triton in the base folder)',
    completes: 'directories',
  },
};

/** Of the list of models. */
export const listOption: Readonly<Record<string, OptionSpec>> = {
  'model-config-path': {
    type: 'string',
    value: 'FILE',
    help: 'the list of models (default models.toml in the base folder)',
    completes: 'files',
  },
};

/** Where the command line says that things lie; what it does not say is as in the base folder. */
export function modelFolders(
  given: ParsedArguments,
  { directory, environment }: CommandContext,
): ModelFolders {
  const stated = given.text('base-dir') ?? environment['NEREID_BASE_DIR'] ?? null;
  const base = stated === null ? baseFolder(directory) : resolve(directory, stated);
  const at = (option: string, name: string): string => {
    const path = given.text(option);
    return path === null ? join(base, name) : resolve(directory, path);
  };
  return {
    base,
    models: at('models-dir', names.models),
    disabled: at('disabled-dir', names.disabled),
    configs: at('config-dir', names.configs),
    list: at('model-config-path', names.list),
  };
}

/** This folder, or its `models` when only that one holds something that we know. */
function baseFolder(directory: string): string {
  const below = join(directory, 'models');
  return !holdsModels(directory) && holdsModels(below) ? below : directory;
}

function holdsModels(folder: string): boolean {
  return Object.values(names).some((name) => existsSync(join(folder, name)));
}

/**
 * A model's name as the name of a folder.
 * @throws CommandError for one that would lead out of the repository.
 */
export function checkModelName(name: string): string {
  if (/^[^./\\\0][^/\\\0]*$/u.test(name)) return name;
  throw usageError(`'${name}' is no name of a model: it is the name of a folder in the repository`);
}
