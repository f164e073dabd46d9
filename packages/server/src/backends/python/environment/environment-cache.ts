import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

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
 * Folders that are made once and then used by every model, and every server, that asks for the same. Files in an
 * environment name the folder that it was made in, so that it stays there: its own name is a link, made when the
 * folder is complete, so that nobody finds half of one.
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
    const folder = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
    let used = false;
    try {
      await mkdir(folder, { recursive: true });
      await make(folder);
      used = await link(path, folder);
      return path;
    } finally {
      if (!used) await rm(folder, { recursive: true, force: true });
    }
  }
}

/** @returns false where another server was quicker. */
async function link(path: string, folder: string): Promise<boolean> {
  const target = basename(folder);
  try {
    await symlink(target, path);
  } catch {
    if (existsSync(path)) return false;
    // Somebody has removed what it led to.
    await rm(path, { force: true });
    await symlink(target, path);
  }
  return true;
}
