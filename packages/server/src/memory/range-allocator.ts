interface Range {
  readonly offset: number;
  readonly byteCount: number;
}

/** Which parts of some memory are in use. First fit; there are few ranges at a time. */
export class RangeAllocator {
  readonly #byteLength: number;
  readonly #alignment: number;
  /** In the order of their offsets. */
  readonly #used: Range[] = [];

  /** @param alignment Ranges start at its multiples, and end there. */
  constructor(byteLength: number, alignment: number) {
    this.#byteLength = byteLength;
    this.#alignment = alignment;
  }

  get usedCount(): number {
    return this.#used.length;
  }

  /** @returns The offset of a free range; null when there is no room. */
  allocate(byteCount: number): number | null {
    const size = this.#rounded(byteCount);
    let offset = 0;
    let index = 0;
    for (; index < this.#used.length; index++) {
      const range = this.#used[index] as Range;
      if (range.offset - offset >= size) break;
      offset = range.offset + range.byteCount;
    }
    if (offset + size > this.#byteLength) return null;
    this.#used.splice(index, 0, { offset, byteCount: size });
    return offset;
  }

  /** @throws Error for a range that is not in use. */
  free(offset: number): void {
    const index = this.#used.findIndex((range) => range.offset === offset);
    if (index < 0) throw new Error(`no range in use starts at ${offset}`);
    this.#used.splice(index, 1);
  }

  #rounded(byteCount: number): number {
    return Math.ceil(byteCount / this.#alignment) * this.#alignment;
  }
}
