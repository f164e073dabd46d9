import { cp, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Command, CommandContext } from '../command/command.ts';
import { CommandError } from '../command/exit-status.ts';
import type { ParsedArguments } from '../command/parsed-arguments.ts';
import { configurationOf } from '../inspect/configuration-of.ts';
import type { ModelFile } from '../inspect/model-file.ts';
import { readModelFile } from '../inspect/read-model-file.ts';
import { lockFolder } from './lock-folder.ts';
import { checkModelName, folderOptions, modelFolders } from './model-folders.ts';
import { moveFolder } from './move-folder.ts';

const versionMax = 999_999_999_999_999;
const batchSizeMax = 2_147_483_647;
/** Names that say nothing of the model: the folder's is taken then. */
const plainNames: ReadonlySet<string> = new Set([
  'model',
  'saved_model',
  'best',
  'weights',
  'export',
]);

/** `nereid manage init-model`. */
export const initModel: Command = {
  name: 'manage init-model',
  summary: 'make a model of a file: its folder, and a config.pbtxt with its inputs and outputs',
  details: `Reads the inputs and outputs from the file: .onnx, .pt (TorchScript), .xml (OpenVINO) or the folder of a
SavedModel. Nothing in the file is run: pickles are not loaded. The model appears in the repository whole. The
folder is NAME/VERSION/model.onnx or as the backend calls its file, with the files of weights that belong to it.`,
  positionals: [{ name: 'FILE', required: true, completes: 'files' }],
  options: {
    name: { type: 'string', value: 'NAME', help: "the model's name (default: the file's)" },
    'model-version': { type: 'string', value: 'N', help: 'the version (default 1)' },
    'max-batch-size': {
      type: 'string',
      value: 'N',
      help: 'elements in a batch, 0 for no batches (default 4 where the file allows batches)',
    },
    'dry-run': { type: 'boolean', help: 'only print the configuration' },
    ...folderOptions,
  },
  async run(given, context) {
    const path = resolve(context.directory, given.positionals[0] as string);
    const file = readModelFile(path);
    const name = checkModelName(given.text('name') ?? nameOf(path));
    const batch = given.text('max-batch-size');
    const size = batch === null ? null : given.integer('max-batch-size', 0, 0, batchSizeMax);
    const configuration = configurationOf(name, file, size);
    if (given.flag('dry-run')) {
      context.stdout.write(configuration);
      return undefined;
    }
    await placeModel(path, file, name, configuration, given, context);
    return undefined;
  },
};

/** The file's name or, where that is `model` or a version's, the folder's. */
function nameOf(path: string): string {
  const own = basename(path, extname(path));
  const folder = basename(dirname(path));
  if (!plainNames.has(own.toLowerCase())) return own;
  return /^\d+$/u.test(folder) ? basename(dirname(dirname(path))) : folder;
}

async function placeModel(
  path: string,
  file: ModelFile,
  name: string,
  configuration: string,
  given: ParsedArguments,
  context: CommandContext,
): Promise<void> {
  const folders = modelFolders(given, context);
  const version = String(given.integer('model-version', 1, 1, versionMax));
  const folder = join(folders.models, name);
  if (await exists(join(folder, version))) {
    throw new CommandError(
      `${join(folder, version)} is there already: give another --model-version or --name`,
    );
  }
  const own = join(dirname(folders.models), '.nereid-downloads', `${name}@init`);
  const unlock = await lockFolder(own);
  try {
    await rm(own, { recursive: true, force: true });
    await stage(path, file, join(own, version));
    const hadFolder = await exists(folder);
    const hadConfiguration = await exists(join(folder, 'config.pbtxt'));
    await mkdir(folders.models, { recursive: true });
    if (!hadConfiguration) await writeFile(join(own, 'config.pbtxt'), configuration);
    const config = join(folder, 'config.pbtxt');
    if (!hadFolder) await moveFolder(own, folder);
    else {
      if (!hadConfiguration) await moveFolder(join(own, 'config.pbtxt'), config);
      await moveFolder(join(own, version), join(folder, version));
    }
    context.stdout.write(`made ${join(folder, version, file.localName)}\n`);
    context.stdout.write(hadConfiguration ? `kept ${config}\n` : `made ${config}\n`);
    for (const note of file.notes) context.stderr.write(`${config}: ${note}\n`);
  } finally {
    await rm(own, { recursive: true, force: true });
    await unlock();
  }
}

/** Copies the model with all that belongs to it. */
async function stage(path: string, file: ModelFile, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(path, join(folder, file.localName), { recursive: true });
  for (const { from, to } of file.companions) {
    if (!(await exists(from))) {
      throw new CommandError(`${path} keeps weights in ${from}, and there is no such file`);
    }
    await mkdir(dirname(join(folder, to)), { recursive: true });
    await cp(from, join(folder, to), { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
