import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TritonError } from '@nereid/protocol';
import type { Logger } from '../core/logger.ts';

/** Folders beside the versions that have a meaning of their own. */
export const otherFolders: ReadonlySet<string> = new Set(['warmup', 'initial_state', 'configs']);

/** The version that a folder of this name holds; null for a name that is no whole number from 1 up. */
export function versionOfFolder(name: string): number | null {
  return /^[1-9][0-9]{0,14}$/u.test(name) ? Number(name) : null;
}

/**
 * The version numbers that a model's folder has, ascending. Folders whose name is not a whole
 * number from 1 up, or begins with a zero, are passed over with a warning, as Triton does.
 */
export async function availableVersions(
  modelDirectory: string,
  logger: Logger,
): Promise<readonly number[]> {
  let names: string[];
  try {
    names = await readdir(modelDirectory);
  } catch (cause) {
    throw new TritonError(
      'INTERNAL',
      `failed to open directory ${modelDirectory}: ${(cause as Error).message}`,
      { cause },
    );
  }
  const versions: number[] = [];
  for (const name of names) {
    if (otherFolders.has(name) || !(await isDirectory(join(modelDirectory, name)))) continue;
    const version = versionOfFolder(name);
    if (version !== null) versions.push(version);
    else if (/^0[0-9]+$/u.test(name)) {
      logger.warning(
        `ignore version directory '${name}' which contains leading zeros in its directory name`,
      );
    } else {
      logger.warning(
        `ignore version directory '${name}' which fails to convert to integral number`,
      );
    }
  }
  return versions.sort((a, b) => a - b);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
