import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ModelConfig, TritonError } from '@nereid/protocol';

/** What the settings and parameters of a Python model say. */
export interface PythonSettings {
  /** The interpreter: a path, or a name that is looked up in PATH. */
  readonly python: string;
  readonly environment: Readonly<Record<string, string>>;
  /** How long a worker may take to start its interpreter, and to end. Triton's default is 30 seconds. */
  readonly stubTimeoutMs: number;
  /** How long `initialize` and `auto_complete_config` may take. Triton has no bound; ours is generous. */
  readonly initializeTimeoutMs: number;
}

const stubTimeoutSecsDefault = 30;
const initializeTimeoutSecsDefault = 600;
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
  const environment = executionEnvironment(config, modelDirectory);
  return {
    python: environment?.python ?? backendConfig.get('python-runtime') ?? 'python3',
    environment: environment?.variables ?? {},
    stubTimeoutMs: seconds('stub-timeout-seconds', stubTimeoutSecsDefault) * 1000,
    initializeTimeoutMs: seconds('initialize-timeout-seconds', initializeTimeoutSecsDefault) * 1000,
  };
}

interface ExecutionEnvironment {
  readonly python: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** The folder that EXECUTION_ENV_PATH names: of a virtual environment, or of an unpacked conda-pack archive. */
function executionEnvironment(
  config: ModelConfig,
  modelDirectory: string,
): ExecutionEnvironment | null {
  const given = config.parameters.get('EXECUTION_ENV_PATH')?.string_value ?? '';
  if (given === '') return null;
  const path = resolve(given.replace(modelDirectoryMark, modelDirectory));
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) {
    throw new TritonError(
      'INVALID_ARG',
      `EXECUTION_ENV_PATH of model '${config.name}' is '${path}', which does not exist`,
    );
  }
  if (!status.isDirectory()) {
    throw new TritonError(
      'UNSUPPORTED',
      `EXECUTION_ENV_PATH of model '${config.name}' is the file '${path}': archives are not supported yet; unpack it and name the folder, which must have bin/python in it`,
    );
  }
  const python = ['python3', 'python']
    .map((name) => join(path, 'bin', name))
    .find((file) => isExecutable(file));
  if (python === undefined) {
    throw new TritonError(
      'INVALID_ARG',
      `EXECUTION_ENV_PATH of model '${config.name}' is '${path}', which has no bin/python3 or bin/python that can be run`,
    );
  }
  return {
    python,
    variables: {
      VIRTUAL_ENV: path,
      PATH: `${join(path, 'bin')}:${process.env['PATH'] ?? ''}`,
      LD_LIBRARY_PATH: [join(path, 'lib'), process.env['LD_LIBRARY_PATH']]
        .filter((part) => part !== undefined && part !== '')
        .join(':'),
    },
  };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
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
