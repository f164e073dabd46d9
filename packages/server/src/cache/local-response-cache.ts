import type { Tensor } from '@nereid/protocol';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { ResponseCache } from '../core/response-cache.ts';
import { packedBytes } from './packed-outputs.ts';
import { RareLog } from './rare-log.ts';

/**
 * What an entry takes besides its outputs as Triton counts them: the objects and the memory block that
 * hold them. Measured with two outputs of four numbers each, rounded up.
 */
export const entryOverheadBytes = 1024;

interface Entry {
  readonly outputs: readonly Tensor[];
  /** With the overhead. */
  readonly bytes: number;
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
  /** In order of use, the latest last. */
  readonly #entries = new Map<string, Entry>();
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
      this.#entries.delete(key);
      this.#entries.set(key, entry);
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
      this.#remove(key);
      while (this.#usedBytes + bytes > this.#sizeBytes) this.#evict();
      this.#entries.set(key, { outputs: copyOutputs(outputs), bytes });
      this.#usedBytes += bytes;
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
    this.#usedBytes = 0;
  }

  #evict(): void {
    const oldest = this.#entries.keys().next();
    if (oldest.done === true) throw new Error('the cache counts bytes of entries that it has not');
    this.#remove(oldest.value);
    this.#evictionCount++;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#usedBytes -= entry.bytes;
  }
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
