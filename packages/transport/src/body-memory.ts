import { systemClock, type TransportClock } from './clock.ts';
import { MemoryPool } from './memory-pool.ts';

/** Gives the address of the first byte of a buffer. */
export type AddressOf = (buffer: Uint8Array) => bigint | number;

/** Where blocks for large bodies come from, if not from the heap. */
export interface BlockSource {
  /** False while there are none: the heap serves then. */
  readonly active: boolean;
  /** Null where there is none of that size: the heap serves then. */
  allocate(byteLength: number): Buffer | null;
  /** Whether the block is from here. */
  owns(block: Buffer): boolean;
  /** Has `unused` called once nobody who was given the block apart from us uses it: at once, or later. */
  whenUnused(block: Buffer, unused: () => void): void;
  /** Nobody will use the block again, which need not be from here: its content is worth nothing. */
  discard(block: Buffer): void;
}

/** Tensors want to start where cache lines do. */
const alignmentBytes = 64;

/** Bodies up to this size share slabs. */
const slabBodyBytesMax = 16 * 1024;
const slabBytes = 128 * 1024;

/** Bodies from this size on may be used again. */
const recycledBytesMin = 256 * 1024;

/** The same where blocks have a source, and bodies from this size on come from there. */
const sourcedBytesMin = 64 * 1024;

/**
 * Memory for request bodies: never moved by the garbage collector, so that native code may keep its
 * address as long as somebody holds the body. Small bodies are cut from slabs. A large one is used
 * again when, and only when, its owner has given it back; what is not given back is never reused.
 */
export class BodyMemory {
  readonly #addressOf: AddressOf | null;
  readonly #pool: MemoryPool;
  readonly #source: BlockSource | null;
  /** By body, not by block: a body that is given back twice must not take the next one's memory. */
  readonly #blocks = new WeakMap<Uint8Array, Buffer>();
  #slab: Buffer | null = null;
  /** Where the slab lies, modulo the alignment. */
  #slabRemainder = 0;
  #slabUsed = 0;

  /** Without `addressOf`, alignment counts from the start of the ArrayBuffer. */
  constructor(
    addressOf: AddressOf | null,
    clock: TransportClock = systemClock,
    source: BlockSource | null = null,
  ) {
    this.#addressOf = addressOf;
    this.#pool = new MemoryPool(clock, (block) => source?.discard(block));
    this.#source = source;
  }

  /**
   * Memory with arbitrary content. Of a large body no page is touched unless it was used before: it
   * costs nothing before its bytes arrive.
   *
   * @param alignedOffset the byte that lies at a multiple of 64, or null where it does not matter.
   * @throws RangeError when there is no such memory.
   */
  allocate(byteLength: number, alignedOffset: number | null): Buffer {
    if (byteLength <= slabBodyBytesMax) return this.#allocateFromSlab(byteLength, alignedOffset);
    const block = this.#block(alignedOffset === null ? byteLength : byteLength + alignmentBytes);
    const start = alignedOffset === null ? 0 : padding(this.#remainderOf(block) + alignedOffset);
    const body = block.subarray(start, start + byteLength);
    if (this.#isRecycled(byteLength)) this.#blocks.set(body, block);
    return body;
  }

  /**
   * Gives the memory of a body back: the next body may be written over it at once, so nothing may read
   * it any more, native code and the kernel included. Does nothing for what `allocate` did not return,
   * or what was given back before.
   */
  recycle(body: Uint8Array): void {
    const block = this.#blocks.get(body);
    if (block === undefined) return;
    this.#blocks.delete(body);
    if (this.#source?.owns(block)) this.#source.whenUnused(block, () => this.#pool.give(block));
    else this.#pool.give(block);
  }

  #isRecycled(byteLength: number): boolean {
    return byteLength >= (this.#source?.active ? sourcedBytesMin : recycledBytesMin);
  }

  #block(byteLength: number): Buffer {
    if (!this.#isRecycled(byteLength)) return Buffer.allocUnsafeSlow(byteLength);
    const used = this.#pool.take(byteLength);
    if (!this.#source?.active) return used ?? Buffer.allocUnsafeSlow(byteLength);
    // What is left from before there was a source is not used again.
    if (used !== null && this.#source.owns(used)) return used;
    if (used !== null) this.#source.discard(used);
    return this.#source.allocate(byteLength) ?? Buffer.allocUnsafeSlow(byteLength);
  }

  #allocateFromSlab(byteLength: number, alignedOffset: number | null): Buffer {
    if (this.#slab === null || this.#slabUsed + byteLength + alignmentBytes > slabBytes) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
      this.#slabRemainder = this.#remainderOf(this.#slab);
      this.#slabUsed = 0;
    }
    const start =
      this.#slabUsed + padding(this.#slabRemainder + this.#slabUsed + (alignedOffset ?? 0));
    this.#slabUsed = start + byteLength;
    return this.#slab.subarray(start, this.#slabUsed);
  }

  #remainderOf(block: Buffer): number {
    if (this.#addressOf === null) return block.byteOffset % alignmentBytes;
    return Number(BigInt(this.#addressOf(block)) % BigInt(alignmentBytes));
  }
}

/** From `address` to the next multiple of the alignment. */
function padding(address: number): number {
  return (alignmentBytes - (address % alignmentBytes)) % alignmentBytes;
}
