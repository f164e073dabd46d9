import type { BodyMemory } from '../body-memory.ts';
import type { BodyReader } from '../http1/body-reader.ts';
import { failure, type HttpFailure } from '../http1/http-failure.ts';
import { PieceList } from '../http1/piece-list.ts';

/** A body that ends when its stream does. */
export class UnknownLengthBody implements BodyReader {
  readonly #memory: BodyMemory;
  readonly #bodyBytesMax: number;
  readonly #alignedOffset: number | null;
  readonly #pieces = new PieceList();
  #failure: HttpFailure | null = null;

  constructor(memory: BodyMemory, bodyBytesMax: number, alignedOffset: number | null) {
    this.#memory = memory;
    this.#bodyBytesMax = bodyBytesMax;
    this.#alignedOffset = alignedOffset;
  }

  /** The stream knows, not the bytes. */
  get complete(): boolean {
    return false;
  }

  get failure(): HttpFailure | null {
    return this.#failure;
  }

  read(bytes: Buffer, start: number, end: number): number {
    if (this.#pieces.byteLength + end - start > this.#bodyBytesMax) {
      this.#failure = failure(413, `request body exceeds ${this.#bodyBytesMax} bytes`);
    } else this.#pieces.add(bytes, start, end);
    return end;
  }

  take(): Buffer {
    return this.#pieces.join(this.#memory, this.#alignedOffset);
  }
}
