import { TritonError } from '@nereid/protocol';
import { Semaphore } from '../core/semaphore.ts';

/** What a load within a budget has to know of its model and of the others. */
export interface BudgetedLoad {
  /** Folders of the model's files. */
  readonly directories: () => Promise<readonly string[]>;
  /** Those that were loaded on demand and still are there: an operator may have unloaded one, or asked for it. */
  readonly loaded: () => Pick<ReadonlySet<string>, 'has'>;
  /** The model to unload next; null when all others are in use. */
  readonly leastRecentlyUsed: () => string | null;
  /** Resolves when the model's memory is free. */
  readonly unload: (name: string) => Promise<void>;
}

export interface MemoryBudgetOptions {
  readonly limitBytes: number;
  /** Resident memory of the server and its workers. */
  readonly residentBytes: () => Promise<number>;
  /** Sizes of all files below a folder. */
  readonly fileBytes: (directory: string) => Promise<number>;
}

/**
 * Keeps the models that are loaded on demand below a limit. What a model takes is measured: by how much
 * the server and its workers grew while it was loaded, which is why loads wait for each other here, and never
 * less than its files. Before its first load its files are all that is known.
 */
export class MemoryBudget {
  readonly #options: MemoryBudgetOptions;
  readonly #oneAtATime = new Semaphore(1);
  /** Of the models that were loaded when the last load began, and of that one. */
  readonly #usedBytes = new Map<string, number>();
  /** Of every model that was ever loaded: what it will take again. */
  readonly #measuredBytes = new Map<string, number>();

  constructor(options: MemoryBudgetOptions) {
    this.#options = options;
  }

  /** What the loaded models take together. */
  get usedBytes(): number {
    return [...this.#usedBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** @throws TritonError UNAVAILABLE when there is no room; what `load` throws. */
  load(name: string, load: () => Promise<void>, how: BudgetedLoad): Promise<void> {
    return this.#oneAtATime.run(async () => {
      const { residentBytes, limitBytes } = this.#options;
      const loaded = how.loaded();
      for (const other of this.#usedBytes.keys()) {
        if (!loaded.has(other)) this.#usedBytes.delete(other);
      }
      const files = await this.#fileBytes(how);
      await this.#makeRoom(name, this.#measuredBytes.get(name) ?? files, how);
      const before = await residentBytes();
      await load();
      const bytes = Math.max(files, (await residentBytes()) - before);
      this.#usedBytes.set(name, bytes);
      this.#measuredBytes.set(name, bytes);
      // It may have taken more than was expected: others make room for it, not for the next one.
      while (this.usedBytes > limitBytes && (await this.#unloadOne(how)));
    });
  }

  async #makeRoom(name: string, bytes: number, how: BudgetedLoad): Promise<void> {
    const { limitBytes } = this.#options;
    if (bytes > limitBytes) {
      throw new TritonError(
        'UNAVAILABLE',
        `model '${name}' takes about ${bytes} bytes, more than --model-memory-limit-bytes=${limitBytes} allows for all models`,
      );
    }
    while (this.usedBytes + bytes > limitBytes) {
      if (await this.#unloadOne(how)) continue;
      throw new TritonError(
        'UNAVAILABLE',
        `no memory for model '${name}': it takes about ${bytes} bytes, and models in use hold ${this.usedBytes} of the ${limitBytes} bytes of --model-memory-limit-bytes`,
      );
    }
  }

  async #unloadOne(how: BudgetedLoad): Promise<boolean> {
    const name = how.leastRecentlyUsed();
    if (name === null) return false;
    await how.unload(name);
    this.#usedBytes.delete(name);
    return true;
  }

  async #fileBytes({ directories }: BudgetedLoad): Promise<number> {
    let bytes = 0;
    for (const directory of await directories()) bytes += await this.#options.fileBytes(directory);
    return bytes;
  }
}
