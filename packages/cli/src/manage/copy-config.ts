import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command, CommandContext } from '../command/command.ts';
import { exitStatus } from '../command/exit-status.ts';
import { folderOptions, listOption, type ModelFolders, modelFolders } from './model-folders.ts';
import { readModelList } from './model-list.ts';

/** `nereid manage copy-config`. */
export const copyConfig: Command = {
  name: 'manage copy-config',
  summary: 'copy the configurations from triton-config into the models that are there',
  details: `Takes triton-config/NAME/gpu.pbtxt, or cpu.pbtxt with --cpu, as the model's config.pbtxt. A model that has one
already keeps it, unless --overwrite is given. Ends with 1 when a configuration is missing.`,
  positionals: [],
  options: {
    cpu: { type: 'boolean', help: 'the configurations for CPU (default: for GPU)' },
    include: {
      type: 'string',
      multiple: true,
      value: 'NAME',
      help: 'only this model',
      completes: 'models',
    },
    overwrite: { type: 'boolean', help: 'replace configurations that are there' },
    'config-dir': {
      type: 'string',
      value: 'DIR',
      help: 'where the configurations lie (default triton-config in the base folder)',
      completes: 'directories',
    },
    ...folderOptions,
    ...listOption,
  },
  async run(given, context) {
    const folders = modelFolders(given, context);
    const listed = await readModelList(folders.list, given.list('include'));
    const file = given.flag('cpu') ? 'cpu.pbtxt' : 'gpu.pbtxt';
    let missing = false;
    for (const name of new Set(listed.map((model) => model.name))) {
      const outcome = await copyOne(folders, name, file, given.flag('overwrite'), context);
      missing ||= outcome === 'missing';
    }
    return missing ? exitStatus.failed : undefined;
  },
};

async function copyOne(
  { models, configs }: ModelFolders,
  name: string,
  file: string,
  overwrite: boolean,
  { stdout, stderr }: CommandContext,
): Promise<'copied' | 'kept' | 'missing'> {
  const folder = join(models, name);
  const target = join(folder, 'config.pbtxt');
  const source = join(configs, name, file);
  if (!existsSync(folder)) {
    stderr.write(`skipped ${name}: it is not downloaded, there is no ${folder}\n`);
    return 'kept';
  }
  if (existsSync(target) && !overwrite) {
    stderr.write(`kept ${target}: replace it with --overwrite\n`);
    return 'kept';
  }
  if (!existsSync(source)) {
    stderr.write(`there is no ${source}\n`);
    return 'missing';
  }
  await copyWhole(source, target);
  stdout.write(`copied ${source} to ${target}\n`);
  return 'copied';
}

/** A server that looks at this moment sees the old file or the new one. */
async function copyWhole(source: string, target: string): Promise<void> {
  const part = `${target}.part`;
  await mkdir(join(target, '..'), { recursive: true });
  try {
    await copyFile(source, part);
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
