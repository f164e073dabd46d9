import type { TransportClock, TransportTimer } from './clock.ts';

/** What is given beyond these pushes out what was given longest ago. */
const pooledBytesMax = 64 * 1024 * 1024;
const pooledBlocksMax = 16;

/** A block that nobody took for one to two times so long is left to the garbage collector. */
const unusedTimeoutMs = 5_000;

/** A block serves whoever wants at least the `1 / wasteFactorMax` part of it. */
const wasteFactorMax = 2;

interface PooledBlock {
  readonly block: Buffer;
  /** The period in which it was given. */
  readonly period: number;
}

/**
 * Large blocks of memory that nobody uses, for whoever needs one next: V8 counts fresh blocks as
 * external memory and collects the whole heap after every few of them. Holds at most 64 MiB in 16
 * blocks, and nothing when there was nothing to do for ten seconds.
 */
export class MemoryPool {
  readonly #clock: TransportClock;
  readonly #dropped: (block: Buffer) => void;
  /** In the order in which they were given. */
  #blocks: PooledBlock[] = [];
  #byteLength = 0;
  #period = 0;
  #timer: TransportTimer | null = null;

  /** @param dropped Told of each block that is left to the garbage collector. */
  constructor(clock: TransportClock, dropped: (block: Buffer) => void = () => {}) {
    this.#clock = clock;
    this.#dropped = dropped;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** The smallest fitting block, with arbitrary content; null where none fits. */
  take(byteLength: number): Buffer | null {
    let best = -1;
    let bestLength = byteLength * wasteFactorMax + 1;
    for (let at = this.#blocks.length - 1; at >= 0; at--) {
      const { length } = (this.#blocks[at] as PooledBlock).block;
      if (length < byteLength || length >= bestLength) continue;
      best = at;
      bestLength = length;
    }
    if (best < 0) return null;
    const { block } = this.#blocks.splice(best, 1)[0] as PooledBlock;
    this.#byteLength -= block.length;
    return block;
  }

  /** @param block Nobody may refer to it any more; the pool may hand it out at once. */
  give(block: Buffer): void {
    if (block.length > pooledBytesMax) {
      this.#dropped(block);
      return;
    }
    this.#blocks.push({ block, period: this.#period });
    this.#byteLength += block.length;
    while (this.#blocks.length > pooledBlocksMax || this.#byteLength > pooledBytesMax) {
      this.#dropOldest();
    }
    this.#timer ??= this.#clock.setTimer(unusedTimeoutMs, () => this.#dropUnused());
  }

  #dropUnused(): void {
    while (this.#blocks.length > 0 && (this.#blocks[0] as PooledBlock).period < this.#period) {
      this.#dropOldest();
    }
    this.#period++;
    this.#timer =
      this.#blocks.length === 0
        ? null
        : this.#clock.setTimer(unusedTimeoutMs, () => this.#dropUnused());
  }

  #dropOldest(): void {
    const { block } = this.#blocks.shift() as PooledBlock;
    this.#byteLength -= block.length;
    this.#dropped(block);
  }
}
