import type { BodyMemory } from '../body-memory.ts';

const firstBlockBytes = 4 * 1024;
const lastBlockBytes = 1024 * 1024;

/**
 * Bytes of unknown total, held until all are there. Small pieces are copied together, so that a
 * million of them cost no million objects; a piece that is most of its memory is kept as it is.
 */
export class PieceList {
  readonly #keepsPieces: boolean;
  readonly #pieces: Buffer[] = [];
  #block: Buffer | null = null;
  #blockUsed = 0;
  #nextBlockBytes = firstBlockBytes;
  #byteLength = 0;

  /** @param keepsPieces false where the pieces are overwritten after `add`: all are copied then. */
  constructor(keepsPieces: boolean = true) {
    this.#keepsPieces = keepsPieces;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  add(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#byteLength += length;
    if (this.#keepsPieces && length * 2 >= bytes.buffer.byteLength) {
      this.#closeBlock();
      this.#pieces.push(bytes.subarray(start, end));
      return;
    }
    let at = start;
    while (at < end) {
      if (this.#block === null || this.#blockUsed === this.#block.length) this.#openBlock();
      const block = this.#block!;
      const count = Math.min(end - at, block.length - this.#blockUsed);
      bytes.copy(block, this.#blockUsed, at, at + count);
      this.#blockUsed += count;
      at += count;
    }
  }

  /** All bytes in one place. The list is empty afterwards. */
  join(memory: BodyMemory, alignedOffset: number | null): Buffer {
    this.#closeBlock();
    const only = this.#pieces[0];
    if (this.#pieces.length === 1 && only !== undefined && alignedOffset === null) return only;
    const whole = memory.allocate(this.#byteLength, alignedOffset);
    this.moveTo(whole);
    return whole;
  }

  /** Copies all bytes to the start of `target`. The list is empty afterwards. */
  moveTo(target: Buffer): void {
    this.#closeBlock();
    let at = 0;
    for (const piece of this.#pieces) {
      piece.copy(target, at);
      at += piece.length;
    }
    this.#pieces.length = 0;
  }

  #openBlock(): void {
    this.#closeBlock();
    this.#block = Buffer.allocUnsafeSlow(this.#nextBlockBytes);
    this.#blockUsed = 0;
    this.#nextBlockBytes = Math.min(this.#nextBlockBytes * 2, lastBlockBytes);
  }

  #closeBlock(): void {
    if (this.#block !== null) this.#pieces.push(this.#block.subarray(0, this.#blockUsed));
    this.#block = null;
  }
}
