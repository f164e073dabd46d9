const firstBytes = 64;

/** Bytes that come in pieces. The first piece is kept as it is: mostly it is the only one. */
export class GrowingBytes {
  #bytes: Uint8Array;
  #used: number;

  /** @param first Not copied, and never changed. */
  constructor(first: Uint8Array) {
    this.#bytes = first;
    this.#used = first.length;
  }

  append(piece: Uint8Array): void {
    const needed = this.#used + piece.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(firstBytes, 2 * this.#bytes.length, needed));
      grown.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#used);
    this.#used = needed;
  }

  /** Everything so far. */
  view(): Uint8Array {
    return this.#used === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#used);
  }
}
