import { readFile, stat } from 'node:fs/promises';
import {
  emptyModelConfig,
  type ModelConfig,
  modelConfigBytesMax,
  modelConfigFromJson,
  parseModelConfigBytes,
  TritonError,
} from '@nereid/protocol';
import { configPaths } from '../model-config/config-path.ts';
import type { ConfigSource } from '../model-config/config-source.ts';
import { deduceBackend } from '../model-config/deduce-backend.ts';
import { normaliseConfig } from '../model-config/normalise.ts';
import { validateModelIo } from '../model-config/validate-io.ts';
import { validateDirectoryName, validateModelConfig } from '../model-config/validate-model.ts';
import { firstVersionContent } from '../model-config/version-content.ts';
import { directoryFingerprint } from './directory-fingerprint.ts';
import type { LoadOverrides, ModelDefinition } from './model-definition.ts';
import type { FoundModel } from './model-finder.ts';
import { OverrideDirectory } from './override-directory.ts';

export interface DefinitionReaderOptions {
  /** Without it config.pbtxt must exist and be complete. */
  readonly autoComplete: boolean;
  /** `--model-config-name`, '' for none. */
  readonly configName: string;
}

/** Reads what a model's folder, or a load request in its place, says of the model. */
export class DefinitionReader {
  readonly #options: DefinitionReaderOptions;

  constructor(options: DefinitionReaderOptions) {
    this.#options = options;
  }

  /**
   * @param unchangedSince the fingerprint of an earlier reading, or null.
   * @returns null when nothing changed since then and the request overrides nothing.
   * @throws TritonError that says what is wrong with the model's configuration.
   */
  async read(
    found: FoundModel,
    overrides: LoadOverrides,
    unchangedSince: string | null,
  ): Promise<ModelDefinition | null> {
    if (overrides.files.size > 0) return this.#readOverrides(found, overrides);
    const fingerprint = await directoryFingerprint(found.directory);
    if (overrides.config === null && fingerprint === unchangedSince) return null;
    return this.#define(found, found.directory, overrides.config, fingerprint, null);
  }

  async #readOverrides(found: FoundModel, overrides: LoadOverrides): Promise<ModelDefinition> {
    if (overrides.config === null) {
      throw new TritonError(
        'INVALID_ARG',
        "Load parameter 'config' must be specified for model file override",
      );
    }
    const folder = await OverrideDirectory.create(overrides.files);
    try {
      return await this.#define(found, folder.path, overrides.config, null, folder);
    } catch (error) {
      await folder.release();
      throw error;
    }
  }

  async #define(
    { id }: FoundModel,
    directory: string,
    configOverride: string | null,
    fingerprint: string | null,
    overrides: OverrideDirectory | null,
  ): Promise<ModelDefinition> {
    const { config: written, source } =
      configOverride === null
        ? await this.#readConfigFile(directory)
        : { config: readOverride(configOverride), source: null };
    const content = await firstVersionContent(directory);
    const config = normaliseConfig(deduceBackend(written, id.name, content));
    validateModelConfig(config, source);
    if (!this.#options.autoComplete) validateModelIo(config, source);
    validateDirectoryName(config, id.name, source);
    return { id, directory, config, source, fingerprint, overrides };
  }

  async #readConfigFile(
    directory: string,
  ): Promise<{ config: ModelConfig; source: ConfigSource | null }> {
    const paths = configPaths(directory, this.#options.configName);
    for (const path of paths) {
      const bytes = await readIfThere(path);
      if (bytes === null) continue;
      const config = parseModelConfigBytes(bytes, path);
      return { config, source: { fileName: path, text: bytes.toString('utf8') } };
    }
    if (this.#options.autoComplete) return { config: emptyModelConfig(), source: null };
    throw new TritonError(
      'INTERNAL',
      `failed to open text file for read ${paths[0]}: No such file or directory`,
    );
  }
}

function readOverride(json: string): ModelConfig {
  try {
    return modelConfigFromJson(json);
  } catch (error) {
    if (!(error instanceof TritonError)) throw error;
    const prefix = 'Invalid config override: ';
    if (error.message.startsWith(prefix)) throw error;
    throw new TritonError('INVALID_ARG', prefix + error.message, { cause: error });
  }
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    const { size } = await stat(path);
    if (size > modelConfigBytesMax) {
      throw new TritonError(
        'INVALID_ARG',
        `failed to read text proto from ${path}: ${size} bytes are more than the ${modelConfigBytesMax} that a model configuration may have`,
      );
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof TritonError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new TritonError(
      'INTERNAL',
      `failed to open text file for read ${path}: ${(cause as Error).message}`,
      { cause },
    );
  }
}
