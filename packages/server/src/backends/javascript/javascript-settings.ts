import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ModelConfig, TritonError } from '@nereid/protocol';

/** What the settings and parameters of a JavaScript model say. */
export interface JavascriptSettings {
  /** How long `finalize` may take, and the end of the thread after it. */
  readonly finalizeTimeoutMs: number;
  /** How long the import of the model's file, `autoCompleteConfig` and `initialize` may take, each. */
  readonly initializeTimeoutMs: number;
  /** Of the thread's heap: objects and texts. The memory of typed arrays does not count. */
  readonly heapMegabytesMax: number;
  /** Batches that one instance executes at once, which models that wait for others can. */
  readonly concurrentBatches: number;
}

/** What the settings are by default, and what they can be at most. */
const bounds = {
  'finalize-timeout-seconds': { fallback: 30, max: 86_400 },
  'initialize-timeout-seconds': { fallback: 600, max: 86_400 },
  'max-heap-megabytes': { fallback: 1024, max: 1024 * 1024 },
} as const;

const concurrentBatchesMax = 1024;

/** In the order in which they are looked for. */
const fileNames = ['model.js', 'model.mjs', 'model.cjs', 'model.ts', 'model.mts'];

/** @throws TritonError INVALID_ARG for a setting that cannot be used. */
export function javascriptSettings(
  config: ModelConfig,
  backendConfig: ReadonlyMap<string, string>,
): JavascriptSettings {
  const setting = (name: keyof typeof bounds): number => {
    const { fallback, max } = bounds[name];
    return wholeNumber(
      backendConfig.get(name),
      `--backend-config=javascript,${name}`,
      fallback,
      max,
    );
  };
  const parameter = (name: string, fallback: number, max: number): number =>
    wholeNumber(
      config.parameters.get(name)?.string_value,
      `parameter '${name}' of model '${config.name}'`,
      fallback,
      max,
    );
  const heapMegabytes = setting('max-heap-megabytes');
  return {
    finalizeTimeoutMs: setting('finalize-timeout-seconds') * 1000,
    initializeTimeoutMs: setting('initialize-timeout-seconds') * 1000,
    heapMegabytesMax: parameter(
      'max_heap_megabytes',
      heapMegabytes,
      bounds['max-heap-megabytes'].max,
    ),
    concurrentBatches: parameter('concurrent_batches', 1, concurrentBatchesMax),
  };
}

/**
 * The name of the model's file in its version's folder.
 * @throws TritonError NOT_FOUND where there is none.
 */
export function modelFileName(config: ModelConfig, versionDirectory: string): string {
  const { default_model_filename: given } = config;
  const names = given === '' ? fileNames : [given];
  const found = names.find((name) => existsSync(join(versionDirectory, name)));
  if (found !== undefined) return found;
  throw new TritonError(
    'NOT_FOUND',
    `failed to load model '${config.name}': there is no ${names.join(', ')} in ${versionDirectory}`,
  );
}

function wholeNumber(
  text: string | undefined,
  what: string,
  fallback: number,
  max: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/u.test(text) || value < 1 || value > max) {
    throw new TritonError(
      'INVALID_ARG',
      `${what} must be a whole number from 1 to ${max}, got '${text}'`,
    );
  }
  return value;
}
