import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InferenceClient } from '@nereid/client';
import {
  type ModelConfig,
  ModelConfigError,
  modelConfigFromJson,
  parseModelConfigBytes,
} from '@nereid/protocol';
import { CommandError } from '../command/exit-status.ts';

/**
 * The configuration that a model is served with.
 * @throws CommandError when it has fields that only a newer server knows.
 */
export async function servedConfig(
  client: InferenceClient,
  name: string,
  version?: string,
): Promise<ModelConfig> {
  const json = await client.modelConfig(name, version);
  try {
    return modelConfigFromJson(jsonText(json));
  } catch (error) {
    if (!(error instanceof ModelConfigError)) throw error;
    throw new CommandError(
      `the configuration that the server gives of '${name}' cannot be read: ${error.message}`,
    );
  }
}

/** JSON with big integers as digits. */
export function jsonText(value: unknown, space = 0): string {
  const mark = '\uffffbig:';
  const text = JSON.stringify(
    value,
    (_, item: unknown) => (typeof item === 'bigint' ? mark + item.toString() : item),
    space,
  );
  return text.replaceAll(new RegExp(`"${mark}(-?\\d+)"`, 'gu'), '$1');
}

/**
 * The `config.pbtxt` of a model in a repository; null when it has none.
 * @throws CommandError that names the line.
 */
export async function configOnDisk(models: string, name: string): Promise<ModelConfig | null> {
  const path = join(models, name, 'config.pbtxt');
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return parseModelConfigBytes(bytes, path);
  } catch (error) {
    if (error instanceof ModelConfigError) throw new CommandError(error.message);
    throw error;
  }
}
