import type { Command } from '../command/command.ts';
import { serverOptions, withServer } from '../connection/server-connection.ts';
import { modelsJson, modelTable } from './model-table.ts';
import { servedVersions } from './served-models.ts';

/** `nereid manage list-models`. */
export const listModels: Command = {
  name: 'manage list-models',
  summary: 'list the models of a running server: state, memory, requests',
  positionals: [],
  options: {
    ...serverOptions,
    json: { type: 'boolean', help: 'print JSON' },
    ready: { type: 'boolean', help: 'only those that serve' },
  },
  async run(given, context) {
    const all = await withServer(given, context, servedVersions);
    const versions = given.flag('ready') ? all.filter(({ state }) => state === 'READY') : all;
    context.stdout.write(given.flag('json') ? modelsJson(versions) : modelTable(versions));
    return undefined;
  },
};
