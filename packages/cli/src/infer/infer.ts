import { writeFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import {
  GrpcClient,
  type HttpClient,
  type InferInputs,
  type InferOptions,
  type InferResult,
  type ModelMetadata,
  type ParameterValue,
  type Tensor,
} from '@nereid/client';
import { nearestName } from '@nereid/protocol';
import type { Command, CommandContext } from '../command/command.ts';
import { CommandError, exitStatus, notFoundError, usageError } from '../command/exit-status.ts';
import type { ParsedArguments } from '../command/parsed-arguments.ts';
import {
  connectGrpc,
  serverOptions,
  unreachable,
  withServer,
} from '../connection/server-connection.ts';
import { textFor } from '../terminal/visible-text.ts';
import { inputTensor } from './input-value.ts';
import { writeNpy } from './npy.ts';
import { jsonElements, resultJson, resultText } from './tensor-text.ts';

const classesMax = 100_000;

/** `nereid infer`. */
export const infer: Command = {
  name: 'infer',
  summary: 'run a model of a server once',
  details: `An input is a file (image=cat.jpg, or image=@cat.jpg to insist), a number, numbers with commas between
them, JSON (x=[[1,2],[3,4]]), or text where the model takes text. Files: .npy and .json hold elements, .bin their
bytes; for inputs of BYTES and UINT8 any file does. Shapes come from the model; a batch of one need not be written.

Models that answer several times stream: their answers are printed as they come. Over HTTP these need a server
that speaks gRPC on the same port, as this one does; for others give --url grpc://HOST:8001.

  nereid infer digits --input image=digit.npy
  nereid infer llava --input image=cat.jpg --input prompt="What is this?"
  nereid infer resnet --input x=@photo.npy --classes 5 --output scores=scores.npy`,
  positionals: [{ name: 'MODEL', required: true, completes: 'models' }],
  options: {
    input: { type: 'string', multiple: true, value: 'NAME=VALUE', help: 'an input' },
    shape: {
      type: 'string',
      multiple: true,
      value: 'NAME=1,3',
      help: 'the shape of an input, where the model leaves it open',
    },
    output: {
      type: 'string',
      multiple: true,
      short: 'o',
      value: 'NAME[=FILE]',
      help: 'only this output; into a file: .npy, .json, .txt, or its bytes',
    },
    classes: { type: 'string', value: 'N', help: 'the best N classes instead of the scores' },
    json: { type: 'boolean', help: 'print JSON; a line an answer when there are several' },
    'model-version': { type: 'string', value: 'VERSION', help: 'of this version' },
    parameter: {
      type: 'string',
      multiple: true,
      value: 'NAME=VALUE',
      help: 'a parameter of the request',
    },
    'request-id': { type: 'string', value: 'ID', help: 'the id of the request' },
    ...serverOptions,
  },
  async run(given, context) {
    const [model = ''] = given.positionals;
    const version = given.text('model-version') ?? undefined;
    await withServer(given, context, async (client) => {
      const [metadata, config] = await Promise.all([
        client.modelMetadata(model, version),
        client.modelConfig(model, version),
      ]);
      const inputs = inputsOf(given, metadata, context);
      const options = { ...optionsOf(given, metadata), signal: context.signal };
      const policy = config['model_transaction_policy'] as
        | { decoupled?: boolean }
        | null
        | undefined;
      if (policy?.decoupled === true) await stream(client, given, model, inputs, options, context);
      else await show(await client.infer(model, inputs, options), given, context);
    });
    return undefined;
  },
};

function inputsOf(
  given: ParsedArguments,
  metadata: ModelMetadata,
  { directory }: CommandContext,
): InferInputs {
  const shapes = new Map(
    given.list('shape').map((text) => {
      const [name, sizes] = pair(text, 'shape');
      return [name, shapeOf(sizes)] as const;
    }),
  );
  const inputs: Record<string, Tensor> = {};
  for (const text of given.list('input')) {
    const [name, value] = pair(text, 'input');
    const wanted = metadata.inputs.find((input) => input.name === name);
    if (wanted === undefined) throw unknownName('input', name, metadata);
    inputs[name] = inputTensor(wanted, value, shapes.get(name) ?? null, directory);
  }
  return inputs;
}

function shapeOf(text: string): readonly number[] {
  const sizes = text
    .replaceAll(/[[\]\s]/gu, '')
    .split(/[,x]/u)
    .filter((part) => part !== '');
  if (sizes.every((size) => /^\d{1,15}$/u.test(size))) return sizes.map(Number);
  throw usageError(`'${text}' is no shape: write it as 1,3,224,224`);
}

function pair(text: string, option: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw usageError(`--${option} takes NAME=VALUE, not '${text}'`);
}

function unknownName(
  kind: 'input' | 'output',
  name: string,
  metadata: ModelMetadata,
): CommandError {
  const names = metadata[`${kind}s`].map((one) => one.name);
  const near = nearestName(name, names);
  const hint =
    near === null
      ? `it has ${names.map((one) => `'${one}'`).join(', ')}`
      : `did you mean '${near}'?`;
  return notFoundError(`model '${metadata.name}' has no ${kind} '${name}': ${hint}`);
}

function optionsOf(given: ParsedArguments, metadata: ModelMetadata): InferOptions {
  const classes =
    given.text('classes') === null ? null : given.integer('classes', 0, 1, classesMax);
  const version = given.text('model-version');
  const id = given.text('request-id');
  const named = given.list('output').map((text) => text.split('=')[0] as string);
  // Classes are asked for of each output, so all have to be named.
  const names =
    named.length > 0 || classes === null ? named : metadata.outputs.map(({ name }) => name);
  const outputs = names.map((name) => ({
    name,
    ...(classes === null ? {} : { classCount: classes }),
  }));
  return {
    ...(version === null ? {} : { version }),
    ...(id === null ? {} : { id }),
    ...(outputs.length === 0 ? {} : { outputs }),
    parameters: Object.fromEntries(given.list('parameter').map(parameter)),
  };
}

function parameter(text: string): [string, ParameterValue] {
  const [name, value] = pair(text, 'parameter');
  if (value === 'true' || value === 'false') return [name, value === 'true'];
  return [name, /^-?\d{1,15}(\.\d+)?$/u.test(value) ? Number(value) : value];
}

/** Answers as they come: text without a break, all else one after the other. */
async function stream(
  client: HttpClient | GrpcClient,
  given: ParsedArguments,
  model: string,
  inputs: InferInputs,
  options: InferOptions,
  context: CommandContext,
): Promise<void> {
  const { stdout } = context;
  const streaming = client instanceof GrpcClient ? client : await connectGrpc(given, context);
  let isText = false;
  try {
    for await (const result of streaming.inferStream(model, inputs, options)) {
      const only = result.outputs.size === 1 ? [...result.outputs.values()][0] : undefined;
      isText =
        !given.flag('json') && only?.datatype === 'BYTES' && given.list('output').length === 0;
      if (isText) stdout.write(textFor(stdout, (only as Tensor).strings().join('')));
      else await show(result, given, context);
    }
    if (isText) stdout.write('\n');
  } catch (error) {
    if (streaming === client || unreachable(error, '') === null) throw error;
    throw new CommandError(
      `model '${model}' answers as a stream, which needs gRPC, and the port of HTTP does not speak it here: give --url grpc://HOST:8001`,
      exitStatus.unreachable,
    );
  } finally {
    if (streaming !== client) await streaming.close();
  }
}

async function show(
  result: InferResult,
  given: ParsedArguments,
  { stdout, stderr, directory }: CommandContext,
): Promise<void> {
  const files = given.list('output').filter((text) => text.includes('='));
  for (const text of files) {
    const [name, file] = pair(text, 'output');
    const output = result.outputs.get(name);
    if (output === undefined) throw notFoundError(`the answer has no output '${name}'`);
    await writeFile(resolve(directory, file), fileOf(output, file));
    stderr.write(`wrote ${file}\n`);
  }
  if (files.length > 0 && files.length === given.list('output').length) return;
  stdout.write(given.flag('json') ? `${resultJson(result)}\n` : resultText(result));
}

function fileOf(output: Tensor, file: string): Buffer | string {
  switch (extname(file).toLowerCase()) {
    case '.npy':
      return writeNpy(output);
    case '.json':
      return `${JSON.stringify({ datatype: output.datatype, shape: output.shape }).slice(0, -1)},"data":${jsonElements(output)}}\n`;
    case '.txt':
      return output.datatype === 'BYTES'
        ? `${output.strings().join('\n')}\n`
        : `${(JSON.parse(jsonElements(output)) as unknown[]).join('\n')}\n`;
  }
  return Array.isArray(output.data)
    ? Buffer.concat(output.data)
    : Buffer.from(output.data.buffer, output.data.byteOffset, output.data.byteLength);
}
