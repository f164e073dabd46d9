import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a backend that is written in Python consists of. */
const codeName = 'model.py';

/**
 * Folders of backends that are written in Python, by the name of the backend.
 * @param directories that hold such folders; a later one replaces what an earlier one has.
 */
export function pythonBackendFolders(
  directories: readonly (string | null)[],
): ReadonlyMap<string, string> {
  const folders = new Map<string, string>();
  for (const directory of directories) {
    if (directory === null || !existsSync(directory)) continue;
    for (const name of readdirSync(directory).sort()) {
      const folder = join(directory, name);
      if (existsSync(join(folder, codeName))) folders.set(name, folder);
    }
  }
  return folders;
}

/** Those that come with the server: beside the bundle, or in `python/` of the checkout. */
export function shippedBackends(): string | null {
  const candidates = [
    fileURLToPath(new URL('./python/backends', import.meta.url)),
    fileURLToPath(new URL('../../../../../python/backends', import.meta.url)),
  ];
  return candidates.find((path) => existsSync(path)) ?? null;
}
