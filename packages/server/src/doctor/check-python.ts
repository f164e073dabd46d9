import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TritonError } from '@nereid/protocol';
import { RequirementsFile } from '../backends/python/environment/requirements-file.ts';
import { type PythonSettings, pythonSettings } from '../backends/python/python-settings.ts';
import { startProcess } from '../backends/python/start-process.ts';
import type { ServerOptions } from '../options/server-options.ts';
import type { ModelDefinition } from '../repository/model-definition.ts';
import { versionOfFolder } from '../repository/version-directories.ts';
import { type Finding, finding } from './finding.ts';

const timeoutMs = 30_000;
const outputCharactersMax = 64 * 1024;

/**
 * Prints, as JSON, the modules that a model's file imports at its start and that are not there.
 * Imports in a `try` are left out: the model has thought of that.
 */
const missingImports = `
import ast, importlib.util, json, os, sys
path = sys.argv[1]
sys.path.insert(0, os.path.dirname(path))
wanted = {'numpy'}
for node in ast.parse(open(path, 'rb').read(), path).body:
    if isinstance(node, ast.Import):
        wanted.update(name.name.split('.')[0] for name in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        wanted.add(node.module.split('.')[0])
wanted.discard('triton_python_backend_utils')
def there(name):
    try:
        return name in sys.builtin_module_names or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
print(json.dumps(sorted(name for name in wanted if not there(name))))
`;

/**
 * Whether the interpreter of a Python model runs, and has the packages that the model imports. Those of a
 * model that brings an environment are made when it is loaded, and only loading tells what lacks there.
 */
export async function checkPythonImports(
  { id, config, directory }: ModelDefinition,
  options: ServerOptions,
): Promise<Finding[]> {
  if (config.backend !== 'python') return [];
  const subject = `model '${id.name}'`;
  const file = modelFile(directory, config.default_model_filename || 'model.py');
  if (file === null) return [];
  let settings: PythonSettings;
  try {
    const given = options.backend.config;
    const own = new Map([...(given.get('') ?? []), ...(given.get('python') ?? [])]);
    settings = pythonSettings(config, directory, own);
  } catch (error) {
    if (error instanceof TritonError) return [];
    throw error;
  }
  const { python, executionEnvironment, installRequirements } = settings;
  if (executionEnvironment !== null) return [];
  const child = start(python, ['-c', missingImports, file]);
  if (child instanceof Error) {
    const fix = 'let the process have more open files: ulimit -n 65536';
    return [finding('error', subject, `its model.py was not looked at: ${child.message}`, fix)];
  }
  const { status, output } = await ended(child);
  if (status === null) {
    const fix = 'install Python 3, or name it with --backend-config=python,python-runtime=PATH';
    return [finding('error', subject, `its interpreter '${python}' cannot be run: ${output}`, fix)];
  }
  if (status !== 0) {
    const lastLine = output.trimEnd().split('\n').at(-1) ?? '';
    return [finding('error', subject, `its model.py cannot be read: ${lastLine}`, '', file)];
  }
  if (installRequirements && RequirementsFile.find([dirname(file), directory]) !== null) return [];
  return (JSON.parse(output) as string[]).map((name) =>
    finding(
      'error',
      subject,
      `it imports '${name}', which ${python} does not have`,
      `install it: ${python} -m pip install ${name} (the package may be called otherwise)`,
      file,
    ),
  );
}

/** The file of the newest version; null when there is none, which loading tells. */
function modelFile(directory: string, name: string): string | null {
  const newest = readdirSync(directory)
    .filter((folder) => versionOfFolder(folder) !== null)
    .sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) return null;
  return readdirSync(join(directory, newest)).includes(name) ? join(directory, newest, name) : null;
}

/** @returns the error where no file descriptor is free. */
function start(command: string, args: readonly string[]): ChildProcess | Error {
  try {
    return startProcess(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  } catch (error) {
    return error as Error;
  }
}

/** @returns the status and what was printed; status null and the reason when it does not start or end. */
function ended(child: ChildProcess): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve) => {
    let output = '';
    const add = (bytes: Buffer): void => {
      if (output.length < outputCharactersMax) output += bytes.toString();
    };
    child.stdout?.on('data', add);
    child.stderr?.on('data', add);
    child.on('error', (error) => resolve({ status: null, output: error.message }));
    child.on('close', (status) =>
      resolve({ status, output: status === null ? 'it did not end' : output }),
    );
  });
}
