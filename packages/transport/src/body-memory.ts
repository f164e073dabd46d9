/** Gives the address of the first byte of a buffer. */
export type AddressOf = (buffer: Uint8Array) => bigint | number;

/** Tensors want to start where cache lines do. */
const alignmentBytes = 64;

/** Bodies up to this size share slabs. */
const slabBodyBytesMax = 16 * 1024;
const slabBytes = 128 * 1024;

/**
 * Memory for request bodies: never moved by the garbage collector and never reused, so that native
 * code may keep its address as long as somebody holds the body. Small bodies are cut from slabs.
 */
export class BodyMemory {
  readonly #addressOf: AddressOf | null;
  #slab: Buffer | null = null;
  /** Where the slab lies, modulo the alignment. */
  #slabRemainder = 0;
  #slabUsed = 0;

  /** Without `addressOf`, alignment counts from the start of the ArrayBuffer. */
  constructor(addressOf: AddressOf | null) {
    this.#addressOf = addressOf;
  }

  /**
   * Memory with arbitrary content. Of a large body no page is touched: it costs nothing before its
   * bytes arrive.
   *
   * @param alignedOffset the byte that lies at a multiple of 64, or null where it does not matter.
   * @throws RangeError when there is no such memory.
   */
  allocate(byteLength: number, alignedOffset: number | null): Buffer {
    if (byteLength <= slabBodyBytesMax) return this.#allocateFromSlab(byteLength, alignedOffset);
    if (alignedOffset === null) return Buffer.allocUnsafeSlow(byteLength);
    const block = Buffer.allocUnsafeSlow(byteLength + alignmentBytes);
    const start = padding(this.#remainderOf(block) + alignedOffset);
    return block.subarray(start, start + byteLength);
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
