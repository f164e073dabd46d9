import type { BodyMemory } from '../body-memory.ts';
import type { BodyReader } from './body-reader.ts';
import { failure, type HttpFailure } from './http-failure.ts';
import { PieceList } from './piece-list.ts';

/** Bodies up to this size have their memory before their first byte. */
const trustedBytesMax = 256 * 1024;

/** Of a larger one so large a part must have come: a claim alone costs nothing, not even addresses. */
const trustedPart = 1 / 64;

/** A read for what is less would cost more than to copy it. */
const inPlaceBytesMin = 16 * 1024;

/**
 * A body whose length is known: its memory is allocated once, and all bytes but the first are read
 * straight to where they stay.
 */
export class LengthBody implements BodyReader {
  readonly #memory: BodyMemory;
  readonly #byteLength: number;
  readonly #alignedOffset: number | null;
  #body: Buffer | null = null;
  #first: PieceList | null = null;
  #filled = 0;
  #failure: HttpFailure | null = null;

  constructor(memory: BodyMemory, byteLength: number, alignedOffset: number | null) {
    this.#memory = memory;
    this.#byteLength = byteLength;
    this.#alignedOffset = alignedOffset;
    if (byteLength <= trustedBytesMax) this.#allocate();
    else this.#first = new PieceList();
  }

  get complete(): boolean {
    return this.#filled === this.#byteLength;
  }

  get failure(): HttpFailure | null {
    return this.#failure;
  }

  read(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + this.#byteLength - this.#filled);
    if (this.#body === null) this.#first?.add(bytes, start, stop);
    else bytes.copy(this.#body, this.#filled, start, stop);
    this.#filled += stop - start;
    if (this.#first !== null && this.#filled >= this.#byteLength * trustedPart) this.#allocate();
    return stop;
  }

  readTarget(): Buffer | null {
    const left = this.#byteLength - this.#filled;
    if (this.#body === null || left < inPlaceBytesMin) return null;
    return this.#body.subarray(this.#filled);
  }

  readInPlace(byteLength: number): void {
    this.#filled += byteLength;
  }

  take(): Buffer {
    return this.#body!;
  }

  #allocate(): void {
    try {
      this.#body = this.#memory.allocate(this.#byteLength, this.#alignedOffset);
    } catch {
      this.#failure = failure(503, 'not enough memory for the request body');
    }
    if (this.#body !== null) this.#first?.moveTo(this.#body);
    this.#first = null;
  }
}
