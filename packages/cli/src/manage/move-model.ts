import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestName } from '@nereid/protocol';
import type { Command, OptionSpec } from '../command/command.ts';
import { CommandError, notFoundError } from '../command/exit-status.ts';
import { modelNamed, modelOption } from './model-argument.ts';
import { folderOptions, modelFolders } from './model-folders.ts';
import { moveFolder } from './move-folder.ts';

const disabledOption: Readonly<Record<string, OptionSpec>> = {
  'disabled-dir': {
    type: 'string',
    value: 'DIR',
    help: 'where disabled models lie (default triton-disabled in the base folder)',
    completes: 'directories',
  },
};

/** `nereid manage disable-model`. */
export const disableModel: Command = {
  name: 'manage disable-model',
  summary: 'move a model out of the repository, to triton-disabled',
  details: `A server that polls its repository unloads it. In explicit mode it serves on until unload-model, and is not
loaded at the next start.`,
  positionals: modelOption().positionals,
  options: { ...modelOption().options, ...folderOptions, ...disabledOption },
  async run(given, context) {
    const name = modelNamed(given);
    const { models, disabled } = modelFolders(given, context);
    await moveModel(name, models, disabled);
    context.stdout.write(`disabled ${name}: it lies in ${join(disabled, name)}\n`);
    return undefined;
  },
};

/** `nereid manage enable-model`. */
export const enableModel: Command = {
  name: 'manage enable-model',
  summary: 'move a disabled model back into the repository',
  positionals: modelOption('disabled-models').positionals,
  options: { ...modelOption('disabled-models').options, ...folderOptions, ...disabledOption },
  async run(given, context) {
    const name = modelNamed(given);
    const { models, disabled } = modelFolders(given, context);
    await moveModel(name, disabled, models);
    context.stdout.write(`enabled ${name}: it lies in ${join(models, name)}\n`);
    return undefined;
  },
};

/** Moves a model's folder whole: nobody sees half of it. */
async function moveModel(name: string, from: string, to: string): Promise<void> {
  const [source, target] = [join(from, name), join(to, name)];
  if (await exists(target)) {
    throw new CommandError(`${target} is there already: move it away first`);
  }
  if (!(await exists(source))) {
    const near = nearestName(name, await readdir(from).catch(() => []));
    const hint = near === null ? '' : `: did you mean '${near}'?`;
    throw notFoundError(`there is no model in ${source}${hint}`);
  }
  await moveFolder(source, target);
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}
