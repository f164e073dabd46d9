import { GrpcClient } from '@nereid/client';
import { modelConfigToJson, modelConfigToText } from '@nereid/protocol';
import type { Command } from '../command/command.ts';
import { serverOptions, withServer } from '../connection/server-connection.ts';
import { modelNamed, modelOption } from './model-argument.ts';
import { jsonText, servedConfig } from './model-configuration.ts';

const { positionals, options } = modelOption();

/** `nereid manage get-model-config`. */
export const getModelConfig: Command = {
  name: 'manage get-model-config',
  summary: 'print the configuration that a model is served with',
  positionals,
  options: {
    ...options,
    'model-version': { type: 'string', value: 'VERSION', help: 'of this version' },
    format: {
      type: 'string',
      value: 'pbtxt|json',
      help: 'as a config.pbtxt would say it, or as the server answers it (default pbtxt)',
      completes: ['pbtxt', 'json'],
    },
    json: { type: 'boolean', help: 'the same as --format json' },
    pretty: { type: 'boolean', help: 'the same as --format json', hidden: true },
    ...serverOptions,
  },
  async run(given, context) {
    const name = modelNamed(given);
    const version = given.text('model-version') ?? undefined;
    const otherwise = given.flag('json') || given.flag('pretty') ? 'json' : 'pbtxt';
    const format = given.choice('format', otherwise, ['pbtxt', 'json']);
    const text = await withServer(given, context, async (client) => {
      if (format === 'pbtxt') return modelConfigToText(await servedConfig(client, name, version));
      // Over gRPC it comes as a message; its JSON is the same as that of HTTP.
      const json =
        client instanceof GrpcClient
          ? JSON.parse(modelConfigToJson(await servedConfig(client, name, version)))
          : await client.modelConfig(name, version);
      return `${jsonText(json, 2)}\n`;
    });
    context.stdout.write(text);
    return undefined;
  },
};
