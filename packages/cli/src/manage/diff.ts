import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { InferenceClient } from '@nereid/client';
import { type ModelConfig, modelConfigToJson } from '@nereid/protocol';
import type { Command } from '../command/command.ts';
import { exitStatus, notFoundError } from '../command/exit-status.ts';
import { serverOptions, withServer } from '../connection/server-connection.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { configDifferences, type Difference } from './config-differences.ts';
import { configOnDisk, servedConfig } from './model-configuration.ts';
import { checkModelName, folderOptions, modelFolders } from './model-folders.ts';
import { type ServedVersion, servedVersions } from './served-models.ts';

/** `nereid manage diff`. */
export const diff: Command = {
  name: 'manage diff',
  summary: 'compare the repository on disk with what a running server serves',
  details: `Compares what each config.pbtxt sets with the configuration that is served; what the server has completed is no
difference. Tells also of models that are only on disk or only served, and of versions that are served no longer
on disk. Ends with 1 when there are differences.`,
  positionals: [{ name: 'MODEL', required: false, multiple: true, completes: 'models' }],
  options: {
    json: { type: 'boolean', help: 'print JSON' },
    ...serverOptions,
    ...folderOptions,
  },
  async run(given, context) {
    const { models } = modelFolders(given, context);
    const names = given.positionals.map(checkModelName);
    const found = await withServer(given, context, (client) => compare(client, models, names));
    const text = given.flag('json')
      ? `${JSON.stringify(found, null, 2)}\n`
      : found.map(lineOf).join('') || 'no differences\n';
    context.stdout.write(text);
    return found.length > 0 ? exitStatus.failed : undefined;
  },
};

interface ModelDifference extends Difference {
  readonly model: string;
}

function lineOf({ model, path, disk, served }: ModelDifference): string {
  return visibleText(`${model}: ${path}: ${disk} on disk, ${served} served\n`);
}

async function compare(
  client: InferenceClient,
  models: string,
  wanted: readonly string[],
): Promise<ModelDifference[]> {
  const onDisk = await modelNames(models);
  const versions = await servedVersions(client);
  const ready = versions.filter(({ state }) => state === 'READY');
  const all = [...new Set([...onDisk, ...ready.map(({ name }) => name)])].sort();
  const unknown = wanted.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw notFoundError(`model '${unknown}' is neither in ${models} nor served`);
  }
  const found: ModelDifference[] = [];
  for (const model of all.filter((name) => wanted.length === 0 || wanted.includes(name))) {
    const served = ready.filter(({ name }) => name === model);
    if (served.length === 0) {
      found.push({ model, path: 'model', disk: 'there', served: 'not' });
    } else if (!onDisk.includes(model)) {
      found.push({ model, path: 'model', disk: 'not there', served: 'is' });
    } else {
      found.push(...(await compareModel(client, models, model, served)));
    }
  }
  return found;
}

async function compareModel(
  client: InferenceClient,
  models: string,
  model: string,
  served: readonly ServedVersion[],
): Promise<ModelDifference[]> {
  const onDisk = new Set(await versionNames(join(models, model)));
  const gone = served.filter(({ version }) => !onDisk.has(version));
  const found: ModelDifference[] = gone.map(({ version }) => ({
    model,
    path: `version ${version}`,
    disk: 'not there',
    served: 'is',
  }));
  const disk = await configOnDisk(models, model);
  if (disk === null) return found;
  const config = await servedConfig(client, model, served[0]?.version);
  for (const difference of configDifferences(plain(disk), plain(config))) {
    found.push({ model, ...difference });
  }
  return found;
}

function plain(config: ModelConfig): unknown {
  return JSON.parse(modelConfigToJson(config));
}

async function modelNames(models: string): Promise<string[]> {
  const entries = await readdir(models, { withFileTypes: true }).catch(() => {
    throw notFoundError(`there is no ${models}: name the repository with --models-dir`);
  });
  return entries
    .filter((entry) => !entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
}

async function versionNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isFile() && /^[1-9]\d*$/u.test(entry.name))
    .map(({ name }) => name);
}
