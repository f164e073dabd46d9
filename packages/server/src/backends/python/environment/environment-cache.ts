import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where environments are kept unless `environment-cache` says otherwise. */
export function defaultCacheDirectory(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? '';
  const home = homedir();
  if (cache !== '') return join(cache, 'nereid', 'python');
  return home === '' || home === '/'
    ? join(tmpdir(), 'nereid-python')
    : join(home, '.cache', 'nereid', 'python');
}

/**
 * Folders that are made once and then used by every model, and every server, that asks for the same. A
 * folder is made under another name and renamed when it is complete, so that nobody finds half of one.
 */
export class EnvironmentCache {
  readonly #making = new Map<string, Promise<string>>();

  /** True for a folder that is complete. */
  has(directory: string, key: string): boolean {
    return existsSync(join(directory, key));
  }

  /**
   * @param directory of the cache; made where it is missing.
   * @param make fills the folder that it is given. What it throws is thrown, and the folder removed.
   * @returns the folder.
   */
  get(directory: string, key: string, make: (directory: string) => Promise<void>): Promise<string> {
    const path = join(directory, key);
    let making = this.#making.get(path);
    if (making === undefined) {
      making = this.#make(path, make).finally(() => this.#making.delete(path));
      this.#making.set(path, making);
    }
    return making;
  }

  async #make(path: string, make: (directory: string) => Promise<void>): Promise<string> {
    if (existsSync(path)) return path;
    const temporary = `${path}.${randomUUID()}`;
    try {
      await mkdir(temporary, { recursive: true });
      await make(temporary);
      await rename(temporary, path).catch((error: unknown) => {
        // Another server was quicker.
        if (!existsSync(path)) throw error;
      });
      return path;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
}
