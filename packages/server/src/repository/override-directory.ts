import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { TritonError } from '@nereid/protocol';

/** Files that one load request may bring. */
const filesMax = 10_000;

/**
 * A temporary model folder made of the `file:` parameters of a load request. It is used by the model
 * definition that is read from it and by the versions that are loaded from it, which serve on when that
 * definition is replaced by one that fails; the last of them removes it.
 */
export class OverrideDirectory {
  readonly path: string;
  #users = 1;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes a folder with one user.
   * @param files contents by path relative to the model's folder.
   * @throws TritonError INVALID_ARG when a path leaves the folder; nothing is left behind then.
   */
  static async create(files: ReadonlyMap<string, Uint8Array>): Promise<OverrideDirectory> {
    if (files.size > filesMax) {
      throw new TritonError(
        'INVALID_ARG',
        `a load request may bring at most ${filesMax} files, got ${files.size}`,
      );
    }
    const directory = new OverrideDirectory(await mkdtemp(join(tmpdir(), 'nereid-override-')));
    try {
      for (const [relative, content] of files) await directory.#write(relative, content);
    } catch (error) {
      await directory.release();
      throw error;
    }
    return directory;
  }

  async #write(relative: string, content: Uint8Array): Promise<void> {
    // Triton takes a path from the root for one from the model's folder.
    const normal = normalize(relative.replace(/^\/+/u, ''));
    if (
      relative.includes('\0') ||
      isAbsolute(normal) ||
      normal === '.' ||
      normal === '..' ||
      normal.startsWith(`..${sep}`) ||
      normal.endsWith(sep)
    ) {
      throw new TritonError(
        'INVALID_ARG',
        `Invalid file parameter 'file:${relative}' with normalized path '${normal}' must stay within model directory.`,
      );
    }
    const target = join(this.path, normal);
    try {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR') {
        throw new TritonError(
          'INVALID_ARG',
          `Invalid file parameter 'file:${relative}', directory has been created as a file`,
          { cause },
        );
      }
      throw new TritonError(
        'INTERNAL',
        `failed to write the file parameter 'file:${relative}': ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  /** One user more: it must call `release` when it reads nothing of the folder any more. */
  retain(): void {
    this.#users++;
  }

  /** Resolves when the folder is removed if that was the last user. */
  async release(): Promise<void> {
    if (--this.#users === 0) await rm(this.path, { recursive: true, force: true });
  }
}
