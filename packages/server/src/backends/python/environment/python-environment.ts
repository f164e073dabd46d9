import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { TritonError } from '@nereid/protocol';

/** What a worker is started with. */
export interface PythonEnvironment {
  /** The interpreter: a path, or a name that is looked up in PATH. */
  readonly python: string;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * The environment in a folder: a virtual environment, or an unpacked conda environment.
 * @param what for the error: what names the folder.
 * @throws TritonError INVALID_ARG for a folder without an interpreter.
 */
export function environmentIn(path: string, what: string): PythonEnvironment {
  const python = ['python3', 'python']
    .map((name) => join(path, 'bin', name))
    .find((file) => isExecutable(file));
  if (python === undefined) {
    throw new TritonError(
      'INVALID_ARG',
      `${what} is '${path}', which has no bin/python3 or bin/python that can be run`,
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
