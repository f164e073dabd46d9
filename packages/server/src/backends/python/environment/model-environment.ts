import type { PythonSettings } from '../python-settings.ts';
import type { EnvironmentContext } from './environment-context.ts';
import { packedEnvironment } from './packed-environment.ts';
import type { PythonEnvironment } from './python-environment.ts';
import { requirementsEnvironment } from './requirements-environment.ts';
import { RequirementsFile } from './requirements-file.ts';

/**
 * The interpreter that a model asks for, with what it requires.
 *
 * @param directories in which requirements are looked for, the first that has them counts.
 * @throws TritonError INVALID_ARG or INTERNAL, with what keeps the environment from being made.
 */
export async function modelEnvironment(
  settings: PythonSettings,
  directories: readonly string[],
  context: EnvironmentContext,
): Promise<PythonEnvironment> {
  if (settings.executionEnvironment !== null) {
    return packedEnvironment(settings.executionEnvironment, context);
  }
  const base: PythonEnvironment = { python: settings.python, variables: {} };
  const file = settings.installRequirements ? RequirementsFile.find(directories) : null;
  return file === null ? base : requirementsEnvironment(base, file, context);
}
