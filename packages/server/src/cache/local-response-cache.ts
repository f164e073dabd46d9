import type { Tensor } from '@nereid/protocol';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { ResponseCache } from '../core/response-cache.ts';
import { areOfForms } from '../core/tensor-form.ts';
import { packedBytes } from './packed-outputs.ts';
import { RareLog } from './rare-log.ts';

/**
 * What an entry takes besides its outputs as Triton counts them: the objects and the memory block that
 * hold them. Measured with two outputs of four numbers each, rounded up.
 */
export const entryOverheadBytes = 1024;

interface Entry {
  key: string;
  readonly outputs: readonly Tensor[];
  /** With the overhead. */
  readonly bytes: number;
  /** Somebody got the outputs, and may still have them: their memory is nobody's to write to. */
  lent: boolean;
  /** The entries that were used before and after this one. */
  older: Entry | null;
  newer: Entry | null;
}

/** What a local cache has done since it was made. Times in nanoseconds. */
export interface LocalCacheCounters {
  readonly entryCount: number;
  readonly usedBytes: number;
  readonly sizeBytes: number;
  readonly hitCount: number;
  readonly missCount: number;
  readonly evictionCount: number;
  readonly lookupNs: number;
  readonly insertionNs: number;
}

export interface LocalResponseCacheOptions {
  /** All entries together, overhead included, never take more. */
  readonly sizeBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Entries in this process's memory; the one that was not asked for the longest goes first. */
export class LocalResponseCache implements ResponseCache {
  readonly shared = false;
  readonly #sizeBytes: number;
  readonly #clock: Clock;
  readonly #log: RareLog;
  /** The order of use is the entries' own: the first of a map is slow to find when many were deleted before it. */
  readonly #entries = new Map<string, Entry>();
  #oldest: Entry | null = null;
  #newest: Entry | null = null;
  #usedBytes = 0;
  #hitCount = 0;
  #missCount = 0;
  #evictionCount = 0;
  #lookupNs = 0;
  #insertionNs = 0;

  constructor(options: LocalResponseCacheOptions) {
    this.#sizeBytes = options.sizeBytes;
    this.#clock = options.clock;
    this.#log = new RareLog(options.clock, options.logger);
  }

  lookup(key: string): readonly Tensor[] | null {
    const startNs = this.#clock.nowNs();
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#missCount++;
    } else {
      this.#hitCount++;
      entry.lent = true;
      this.#unlink(entry);
      this.#append(entry);
    }
    this.#lookupNs += this.#clock.nowNs() - startNs;
    return entry?.outputs ?? null;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  insert(key: string, outputs: readonly Tensor[]): void {
    const startNs = this.#clock.nowNs();
    const bytes = packedBytes(outputs) + entryOverheadBytes;
    if (bytes > this.#sizeBytes) {
      this.#log.error(
        `Failed to insert key [${key}] into response cache: Requested byte_size: ${bytes} is greater than total cache size: ${this.#sizeBytes}`,
      );
    } else {
      const known = this.#entries.get(key);
      if (known !== undefined) this.#remove(known);
      let evicted: Entry | null = null;
      while (this.#usedBytes + bytes > this.#sizeBytes) evicted = this.#evict();
      this.#add(filled(evicted, key, outputs) ?? newEntry(key, outputs, bytes));
    }
    this.#insertionNs += this.#clock.nowNs() - startNs;
  }

  counters(): LocalCacheCounters {
    return {
      entryCount: this.#entries.size,
      usedBytes: this.#usedBytes,
      sizeBytes: this.#sizeBytes,
      hitCount: this.#hitCount,
      missCount: this.#missCount,
      evictionCount: this.#evictionCount,
      lookupNs: this.#lookupNs,
      insertionNs: this.#insertionNs,
    };
  }

  async close(): Promise<void> {
    this.#entries.clear();
    this.#oldest = null;
    this.#newest = null;
    this.#usedBytes = 0;
  }

  #evict(): Entry {
    const entry = this.#oldest;
    if (entry === null) throw new Error('the cache counts bytes of entries that it has not');
    this.#remove(entry);
    this.#evictionCount++;
    return entry;
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#append(entry);
    this.#usedBytes += entry.bytes;
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#unlink(entry);
    this.#usedBytes -= entry.bytes;
  }

  #append(entry: Entry): void {
    entry.older = this.#newest;
    entry.newer = null;
    if (this.#newest === null) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink({ older, newer }: Entry): void {
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
  }
}

function newEntry(key: string, outputs: readonly Tensor[], bytes: number): Entry {
  return { key, outputs: copyOutputs(outputs), bytes, lent: false, older: null, newer: null };
}

/**
 * An entry that was dropped, with other outputs: where a cache is full and its answers are alike, it makes no memory for
 * them and leaves the garbage collector alone. Null where the entry does not fit, or somebody may still read it.
 */
function filled(entry: Entry | null, key: string, outputs: readonly Tensor[]): Entry | null {
  if (entry === null || entry.lent || !areOfForms(outputs, entry.outputs)) return null;
  entry.key = key;
  for (let i = 0; i < outputs.length; i++) {
    (entry.outputs[i] as Tensor).data.set((outputs[i] as Tensor).data);
  }
  return entry;
}

/** The same tensors in one memory block of their own, no larger than they are. */
function copyOutputs(outputs: readonly Tensor[]): readonly Tensor[] {
  let bytes = 0;
  for (const { data } of outputs) bytes += data.byteLength;
  const memory = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  return outputs.map(({ name, dataType, shape, data }) => {
    const start = at;
    memory.set(data, start);
    at += data.byteLength;
    return { name, dataType, shape: [...shape], data: memory.subarray(start, at) };
  });
}
