import type { InferenceClient, TensorMetadata } from '@nereid/client';
import type { Command } from '../command/command.ts';
import { notFoundError } from '../command/exit-status.ts';
import { serverOptions, withServer } from '../connection/server-connection.ts';
import { modelsJson, modelTable } from '../manage/model-table.ts';
import { servedVersions } from '../manage/served-models.ts';
import { visibleText } from '../terminal/visible-text.ts';

/** `nereid models`. */
export const models: Command = {
  name: 'models',
  summary: 'list the models of a server, or tell what one takes and gives',
  positionals: [{ name: 'MODEL', required: false, completes: 'models' }],
  options: { json: { type: 'boolean', help: 'print JSON' }, ...serverOptions },
  async run(given, context) {
    const [model] = given.positionals;
    const text = await withServer(given, context, async (client) => {
      if (model !== undefined) return describe(client, model, given.flag('json'));
      const versions = await servedVersions(client);
      return given.flag('json') ? modelsJson(versions) : modelTable(versions);
    });
    context.stdout.write(text);
    return undefined;
  },
};

async function describe(client: InferenceClient, name: string, json: boolean): Promise<string> {
  const versions = (await servedVersions(client)).filter((one) => one.name === name);
  if (versions.length === 0) throw notFoundError(`the server has no model '${name}'`);
  if (!versions.some(({ state }) => state === 'READY')) {
    return json ? modelsJson(versions) : modelTable(versions);
  }
  const metadata = await client.modelMetadata(name);
  if (json) return `${JSON.stringify(metadata, null, 2)}\n`;
  const arguments_ = metadata.inputs.map((input) => `--input ${input.name}=…`).join(' ');
  return visibleText(
    `${modelTable(versions)}
inputs
${metadata.inputs.map(tensorLine).join('')}
outputs
${metadata.outputs.map(tensorLine).join('')}
nereid infer ${name} ${arguments_}
`,
  );
}

function tensorLine({ name, datatype, shape }: TensorMetadata): string {
  const sizes = shape.map((size) => (size < 0 ? 'any' : String(size)));
  return `  ${name}  ${datatype} [${sizes.join(', ')}]\n`;
}
