import { readFile, rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { InferenceClient } from '@nereid/client';
import type { Command, CommandContext } from '../command/command.ts';
import { CommandError, notFoundError, usageError } from '../command/exit-status.ts';
import type { ParsedArguments } from '../command/parsed-arguments.ts';
import { serverOptions, withServer } from '../connection/server-connection.ts';
import { type DescribedModel, modelTypesText } from './model-types-text.ts';

/** `nereid types`. */
export const types: Command = {
  name: 'types',
  summary: 'write TypeScript types of what models take and give',
  positionals: [{ name: 'MODEL', required: false, multiple: true, completes: 'models' }],
  options: {
    all: { type: 'boolean', help: 'of every model that is ready' },
    'model-version': { type: 'string', value: 'VERSION', help: 'of this version of each model' },
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      help: 'where to write them (default: standard output)',
      completes: 'files',
    },
    check: {
      type: 'boolean',
      help: 'write nothing; end with 1 when the file of -o is not up to date',
    },
    import: {
      type: 'string',
      value: 'MODULE',
      help: 'what the file imports the types of tensors from (default @nereid/client)',
    },
    ...serverOptions,
  },
  details: `Example:
  nereid types digits -o digits.ts

  import { HttpClient, tensor } from '@nereid/client';
  import type { DigitsModel } from './digits.ts';
  const client = new HttpClient('localhost:8000');
  const result = await client.infer<DigitsModel>('digits', { … });

Names, data types and shapes of the inputs are then checked when the program is compiled.`,
  async run(given, context) {
    const [output, check] = [given.text('output'), given.flag('check')];
    if (check && output === null) throw usageError('--check needs a file: name it with -o');
    const models = await withServer(given, context, (client) => describeModels(client, given));
    const text = textOf(models, given.text('import') ?? '@nereid/client');
    if (output === null) context.stdout.write(text);
    else if (check) await compare(output, text, context);
    else await writeTypes(output, text, models.length, context);
    return undefined;
  },
};

async function describeModels(
  client: InferenceClient,
  given: ParsedArguments,
): Promise<DescribedModel[]> {
  const all = given.flag('all');
  if (all && given.positionals.length > 0) throw usageError('name models, or give --all, not both');
  const names = all ? await readyModels(client) : [...new Set(given.positionals)];
  if (names.length === 0) throw usageError('which models? Name them, or give --all');
  const version = given.text('model-version') ?? undefined;
  const models: DescribedModel[] = [];
  for (const name of names) models.push(await describeModel(client, name, version));
  return models;
}

async function readyModels(client: InferenceClient): Promise<string[]> {
  const names = (await client.repositoryIndex(true)).map(({ name }) => name);
  if (names.length === 0) throw notFoundError('no model of the server is ready');
  return [...new Set(names)].sort();
}

/** The metadata does not tell which inputs are optional, the configuration does. */
async function describeModel(
  client: InferenceClient,
  name: string,
  version: string | undefined,
): Promise<DescribedModel> {
  const metadata = await client.modelMetadata(name, version);
  const { input } = await client.modelConfig(name, version);
  const inputs = Array.isArray(input) ? (input as { name: string; optional?: boolean }[]) : [];
  const optional = inputs.filter((tensor) => tensor.optional === true);
  return { metadata, optionalInputs: new Set(optional.map((tensor) => tensor.name)) };
}

function textOf(models: readonly DescribedModel[], from: string): string {
  try {
    return modelTypesText(models, from);
  } catch (error) {
    if (error instanceof TypeError) throw new CommandError(error.message);
    throw error;
  }
}

/** As a whole or not at all: a build may be reading the file. */
async function writeTypes(
  output: string,
  text: string,
  count: number,
  { directory, stderr }: CommandContext,
): Promise<void> {
  const path = resolve(directory, output);
  const unfinished = `${path}.${process.pid}.part`;
  await writeFile(unfinished, text);
  await rename(unfinished, path);
  stderr.write(`wrote ${output}: ${count === 1 ? 'one model' : `${count} models`}\n`);
}

async function compare(output: string, text: string, { directory }: CommandContext): Promise<void> {
  const present = await readFile(resolve(directory, output), 'utf8');
  if (present !== text) {
    throw new CommandError(
      `${output} is not what the server serves: write it again without --check`,
    );
  }
}
