import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ModelConfig, TritonError } from '@nereid/protocol';
import { defaultCacheDirectory } from './environment/environment-cache.ts';

/** What the settings and parameters of a Python model say. */
export interface PythonSettings {
  /** The interpreter where nothing else is said: a path, or a name that is looked up in PATH. */
  readonly python: string;
  /** Folder or archive with the model's own interpreter, absolute; null for none. */
  readonly executionEnvironment: string | null;
  /** Whether what a `requirements.txt` beside the model names is installed. */
  readonly installRequirements: boolean;
  /** Folder for unpacked and installed environments. */
  readonly environmentCache: string;
  /** How long each step of making an environment may take. */
  readonly environmentTimeoutMs: number;
  /** How long a worker may take to start its interpreter, and to end. Triton's default is 30 seconds. */
  readonly stubTimeoutMs: number;
  /** How long `initialize` and `auto_complete_config` may take. Triton has no bound; ours is generous. */
  readonly initializeTimeoutMs: number;
}

const stubTimeoutSecsDefault = 30;
const initializeTimeoutSecsDefault = 600;
const environmentTimeoutSecsDefault = 1800;
const timeoutSecsMax = 86_400;
const modelDirectoryMark = '$$TRITON_MODEL_DIRECTORY';

/** @throws TritonError INVALID_ARG or UNSUPPORTED for a setting that cannot be used. */
export function pythonSettings(
  config: ModelConfig,
  modelDirectory: string,
  backendConfig: ReadonlyMap<string, string>,
): PythonSettings {
  const seconds = (name: string, fallback: number): number => {
    const text = backendConfig.get(name);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!/^\d+$/u.test(text) || value < 1 || value > timeoutSecsMax) {
      throw new TritonError(
        'INVALID_ARG',
        `--backend-config=python,${name} must be a whole number from 1 to ${timeoutSecsMax}, got '${text}'`,
      );
    }
    return value;
  };
  checkSharedMemorySettings(backendConfig);
  checkForceCpu(config);
  return {
    python: backendConfig.get('python-runtime') ?? 'python3',
    executionEnvironment: executionEnvironment(config, modelDirectory),
    installRequirements: installRequirements(backendConfig.get('requirements') ?? 'install'),
    environmentCache: resolve(backendConfig.get('environment-cache') ?? defaultCacheDirectory()),
    environmentTimeoutMs:
      seconds('environment-timeout-seconds', environmentTimeoutSecsDefault) * 1000,
    stubTimeoutMs: seconds('stub-timeout-seconds', stubTimeoutSecsDefault) * 1000,
    initializeTimeoutMs: seconds('initialize-timeout-seconds', initializeTimeoutSecsDefault) * 1000,
  };
}

function executionEnvironment(config: ModelConfig, modelDirectory: string): string | null {
  const given = config.parameters.get('EXECUTION_ENV_PATH')?.string_value ?? '';
  return given === '' ? null : resolve(given.replace(modelDirectoryMark, () => modelDirectory));
}

function installRequirements(setting: string): boolean {
  if (setting === 'install' || setting === 'ignore') return setting === 'install';
  throw new TritonError(
    'INVALID_ARG',
    `--backend-config=python,requirements must be 'install' or 'ignore', got '${setting}'`,
  );
}

/** Tensors are in CPU memory either way. */
function checkForceCpu(config: ModelConfig): void {
  const given = config.parameters.get('FORCE_CPU_ONLY_INPUT_TENSORS')?.string_value ?? 'yes';
  if (given === 'yes' || given === 'no') return;
  throw new TritonError(
    'UNSUPPORTED',
    `Incorrect value for FORCE_CPU_ONLY_INPUT_TENSORS: ${given}'`,
  );
}

const shmDefaultBytesMin = 1024 * 1024;

/**
 * Triton's settings of its shared memory in /dev/shm. Ours is made as it is needed, and has no name:
 * that is why a value that is right changes nothing. The texts are Triton's.
 */
function checkSharedMemorySettings(settings: ReadonlyMap<string, string>): void {
  const atLeast = (name: string, least: number, text: string): void => {
    const given = settings.get(name);
    if (given === undefined) return;
    const value = Number.parseInt(given, 10);
    if (Number.isNaN(value)) throw new TritonError('INVALID_ARG', 'stol');
    if (value < least) throw new TritonError('INVALID_ARG', `${name} ${text}`);
  };
  const notPositive = "can't be smaller than or equal to zero.";
  atLeast('shm-growth-byte-size', 1, notPositive);
  atLeast('shm-default-byte-size', shmDefaultBytesMin, "can't be smaller than 4 MiBs");
  atLeast('thread-pool-size', 1, "can't be less than 1.");
  atLeast('shm_message_queue_size', Number.NEGATIVE_INFINITY, '');
  if (settings.get('shm-region-prefix-name') === '') {
    throw new TritonError(
      'INVALID_ARG',
      'shm-region-prefix-name must at least contain one character.',
    );
  }
}

/** Where the worker's own code lies: beside the bundle, or in `python/` of the checkout. */
export function workerScript(): string {
  const script = join('nereid_worker', '__main__.py');
  const candidates = [
    fileURLToPath(new URL(`./python/${script}`, import.meta.url)),
    fileURLToPath(new URL(`../../../../../python/${script}`, import.meta.url)),
  ];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) {
    throw new TritonError('INTERNAL', `the Python worker is missing: ${candidates.join(', ')}`);
  }
  return found;
}
