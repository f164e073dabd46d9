import type { BodyMemory } from '../body-memory.ts';
import type { BodyReader } from './body-reader.ts';

/** A body whose length is known: each byte is copied straight to where it stays. */
export class LengthBody implements BodyReader {
  readonly failure = null;
  readonly #body: Buffer;
  #filled = 0;

  /** @throws RangeError when there is no such memory. */
  constructor(memory: BodyMemory, byteLength: number, alignedOffset: number | null) {
    this.#body = memory.allocate(byteLength, alignedOffset);
  }

  get complete(): boolean {
    return this.#filled === this.#body.length;
  }

  read(bytes: Buffer, start: number, end: number): number {
    const count = Math.min(end - start, this.#body.length - this.#filled);
    bytes.copy(this.#body, this.#filled, start, start + count);
    this.#filled += count;
    return start + count;
  }

  take(): Buffer {
    return this.#body;
  }
}
