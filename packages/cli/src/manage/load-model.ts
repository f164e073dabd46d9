import type { InferenceClient } from '@nereid/client';
import {
  emptyModelConfig,
  type ModelConfig,
  modelConfigToJson,
  nearestName,
} from '@nereid/protocol';
import type { Command } from '../command/command.ts';
import { notFoundError, usageError } from '../command/exit-status.ts';
import type { ParsedArguments } from '../command/parsed-arguments.ts';
import { serverOptions, withServer } from '../connection/server-connection.ts';
import { modelNamed, modelOption } from './model-argument.ts';
import { configOnDisk, servedConfig } from './model-configuration.ts';
import { folderOptions, type ModelFolders, modelFolders } from './model-folders.ts';
import { modelTable } from './model-table.ts';
import { servedVersions } from './served-models.ts';

const { positionals, options } = modelOption();

/** `nereid manage load-model`. */
export const loadModel: Command = {
  name: 'manage load-model',
  summary: 'load a model into a running server, or load it again after its files changed',
  details: `The server reads the model's configuration and files anew where they changed. --model-version changes which
versions it serves, and this stays so until the model is unloaded or its files change. A version that serves
goes on serving until the new one is ready.`,
  positionals,
  options: {
    ...options,
    'model-version': {
      type: 'string',
      value: 'VERSION|latest|all',
      help: 'serve this version alone, the latest one, or all (default: as its configuration says)',
    },
    ...serverOptions,
    ...folderOptions,
  },
  async run(given, context) {
    const name = modelNamed(given);
    const policy = policyNamed(given);
    const folders = modelFolders(given, context);
    await withServer(given, context, async (client) => {
      const config = policy === null ? null : await configFor(client, folders, name, policy);
      await client.loadModel(name, config === null ? {} : { config });
      const versions = await servedVersions(client);
      context.stdout.write(modelTable(versions.filter((one) => one.name === name)));
    });
    return undefined;
  },
};

/** `nereid manage unload-model`. */
export const unloadModel: Command = {
  name: 'manage unload-model',
  summary: 'unload all versions of a model from a running server',
  positionals,
  options: {
    ...options,
    dependents: {
      type: 'boolean',
      help: 'for an ensemble: also the models that only it uses',
    },
    ...serverOptions,
  },
  async run(given, context) {
    const name = modelNamed(given);
    await withServer(given, context, async (client) => {
      // Servers are content to unload what they do not know, such as a name that is mistyped.
      const known = (await client.repositoryIndex()).map((one) => one.name);
      if (!known.includes(name)) {
        const near = nearestName(name, known);
        const hint = near === null ? '' : `: did you mean '${near}'?`;
        throw notFoundError(`the server knows no model '${name}'${hint}`);
      }
      await client.unloadModel(name, { unloadDependents: given.flag('dependents') });
      const versions = await servedVersions(client);
      context.stdout.write(modelTable(versions.filter((one) => one.name === name)));
    });
    return undefined;
  },
};

/** What the command line says of the versions to serve; null when it says nothing. */
function policyNamed(given: ParsedArguments): ModelConfig['version_policy'] {
  const text = given.text('model-version');
  if (text === null) return null;
  const none = { latest: null, all: null, specific: null };
  if (text === 'all') return { ...none, all: {} };
  if (text === 'latest') return { ...none, latest: { num_versions: 1 } };
  if (/^[1-9]\d{0,14}$/u.test(text)) return { ...none, specific: { versions: [Number(text)] } };
  throw usageError(`--model-version takes a whole number from 1 up, latest or all, not '${text}'`);
}

/** What is served or, when nothing is, what lies on disk, with another policy. */
async function configFor(
  client: InferenceClient,
  folders: ModelFolders,
  name: string,
  policy: ModelConfig['version_policy'],
): Promise<string> {
  const config =
    (await servedConfigOrNull(client, name)) ??
    (await configOnDisk(folders.models, name)) ??
    emptyModelConfig();
  return modelConfigToJson({ ...config, version_policy: policy });
}

async function servedConfigOrNull(
  client: InferenceClient,
  name: string,
): Promise<ModelConfig | null> {
  const versions = await client.repositoryIndex(true);
  const ready = versions.find((one) => one.name === name);
  return ready === undefined ? null : servedConfig(client, name, ready.version);
}
