import { MemoryFile } from '@nereid/native';
import type { BlockSource } from '@nereid/transport';
import { RangeAllocator } from './range-allocator.ts';

/** Address space, of which only what is used takes memory. What finds no room here is copied. */
const fileBytes = 4 * 1024 * 1024 * 1024;
/** Blocks start at multiples of this: the largest page of the systems that we run on. */
const blockAlignment = 64 * 1024;
/** Tensors start at multiples of this: what any data type wants. */
const tensorAlignment = 8;

/** A block that is somebody's. */
interface Block {
  readonly file: MemoryFile;
  readonly offset: number;
  /** How many uses workers make of it. */
  holdCount: number;
  /** While it is held, so that it is not collected. */
  held: ArrayBufferLike | null;
  /** What is to be called once nobody holds it. */
  unused: (() => void) | null;
}

/** A use that a worker makes of a block, until it is let go of. */
export interface BlockHold {
  readonly tensor: Uint8Array;
  /** Where it starts in the file. */
  readonly place: number;
  /** Once. */
  letGo(): void;
}

/**
 * Memory that this process and its worker processes have in common, in blocks: bodies of requests are
 * read into it, workers find the tensors there, and write their answers there. So no tensor is copied by
 * the server on its way to a worker and back.
 *
 * One file in memory for all workers. A block belongs to whoever allocated it, and to the workers that hold
 * it; the memory goes back when nobody refers to it. Workers can write to all of it: they run the operator's
 * own models, as the same user as this process.
 */
export class SharedBlocks implements BlockSource {
  #file: MemoryFile | null = null;
  #ranges = new RangeAllocator(fileBytes, blockAlignment);
  #userCount = 0;
  readonly #blocks = new WeakMap<ArrayBufferLike, Block>();

  /** Whether there is such memory, and somebody who wants it. */
  get active(): boolean {
    return this.#file !== null;
  }

  /** Bytes that workers map. */
  get byteLength(): number {
    return fileBytes;
  }

  /**
   * A worker wants such memory: while there is one, bodies are read into it.
   * @returns The descriptor for the worker; null where the system has no such memory.
   */
  acquire(): number | null {
    if (this.#userCount++ === 0) {
      this.#file = MemoryFile.create('nereid_tensors', fileBytes);
      this.#ranges = new RangeAllocator(fileBytes, blockAlignment);
    }
    return this.#file?.descriptor ?? null;
  }

  /** The worker is gone. Memory that is in use stays as it is. */
  release(): void {
    if (--this.#userCount > 0) return;
    this.#file?.close();
    this.#file = null;
  }

  allocate(byteLength: number): Buffer | null {
    const file = this.#file;
    if (file === null) return null;
    const ranges = this.#ranges;
    const offset = ranges.allocate(byteLength);
    if (offset === null) return null;
    const memory = file.map(offset, byteLength, () => ranges.free(offset));
    if (memory === null) ranges.free(offset);
    else this.#blocks.set(memory.buffer, { file, offset, holdCount: 0, held: null, unused: null });
    return memory;
  }

  owns(block: Uint8Array): boolean {
    return this.#blockOf(block) !== null;
  }

  discard(block: Buffer): void {
    if (this.#blocks.has(block.buffer)) MemoryFile.discard(block);
  }

  whenUnused(block: Uint8Array, unused: () => void): void {
    const known = this.#blocks.get(block.buffer);
    if (known === undefined || known.holdCount === 0) unused();
    else known.unused = unused;
  }

  /**
   * Keeps memory for a worker.
   * @returns Null where the memory is not of a block, or where no array of numbers can start.
   */
  hold(tensor: Uint8Array): BlockHold | null {
    const block = this.#blockOf(tensor);
    if (block === null || tensor.byteOffset % tensorAlignment !== 0) return null;
    block.holdCount++;
    block.held = tensor.buffer;
    return { tensor, place: block.offset + tensor.byteOffset, letGo: () => letGo(block) };
  }

  /** Where memory starts in the file; null for what is not of a block. */
  placeOf(memory: Uint8Array): number | null {
    const block = this.#blockOf(memory);
    return block === null ? null : block.offset + memory.byteOffset;
  }

  /** Null for a block of an earlier file as well: workers do not have that one. */
  #blockOf({ buffer }: Uint8Array): Block | null {
    const block = this.#blocks.get(buffer);
    return block?.file === this.#file ? (block ?? null) : null;
  }
}

function letGo(block: Block): void {
  if (--block.holdCount > 0) return;
  block.held = null;
  const { unused } = block;
  block.unused = null;
  unused?.();
}
