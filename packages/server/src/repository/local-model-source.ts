import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TritonError } from '@nereid/protocol';
import type { ModelSource } from './model-source.ts';

/** A folder on this machine's disk. Each subfolder, or link to one, is a model. */
export class LocalModelSource implements ModelSource {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** @throws TritonError INVALID_ARG that says what is wrong with the path and what to do. */
  async check(): Promise<void> {
    let found: Stats;
    try {
      found = await stat(this.path);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
      const advice =
        code === 'ENOENT'
          ? 'create the folder or correct --model-repository'
          : 'check the permissions of the folder and of those above it';
      throw new TritonError(
        'INVALID_ARG',
        `failed to stat file ${this.path} (${code}): ${advice}`,
        { cause },
      );
    }
    if (!found.isDirectory()) {
      throw new TritonError(
        'INVALID_ARG',
        `repository path is not a valid directory: ${this.path} is a file; --model-repository takes the folder that holds the models' folders`,
      );
    }
  }

  async modelNames(): Promise<readonly string[]> {
    try {
      const entries = await readdir(this.path, { withFileTypes: true });
      const names: string[] = [];
      for (const entry of entries) {
        const folder =
          entry.isDirectory() || (entry.isSymbolicLink() && (await this.#isDirectory(entry.name)));
        if (folder) names.push(entry.name);
      }
      return names.sort();
    } catch (cause) {
      throw new TritonError(
        'INTERNAL',
        `failed to open directory ${this.path}: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  async modelDirectory(name: string): Promise<string | null> {
    return (await this.#isDirectory(name)) ? join(this.path, name) : null;
  }

  /** False for a link that leads nowhere or in a circle. */
  async #isDirectory(name: string): Promise<boolean> {
    try {
      return (await stat(join(this.path, name))).isDirectory();
    } catch {
      return false;
    }
  }
}
