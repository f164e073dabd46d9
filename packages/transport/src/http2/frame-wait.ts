import type { FrameReader } from './frame-reader.ts';
import type { HeaderBlocks } from './header-blocks.ts';

/** Knows since when a client owes the rest of a frame, or of a header. */
export class FrameWait {
  readonly #reader: FrameReader;
  readonly #blocks: HeaderBlocks;
  #waits = true;
  #inHeader = false;
  #frameCount = 0;
  #sinceMs: number;

  /** The client owes its first frame from the beginning. */
  constructor(reader: FrameReader, blocks: HeaderBlocks, nowMs: number) {
    this.#reader = reader;
    this.#blocks = blocks;
    this.#sinceMs = nowMs;
  }

  /** Null while nothing is owed. */
  get sinceMs(): number | null {
    return this.#waits ? this.#sinceMs : null;
  }

  /** To be called when bytes have been read. */
  note(nowMs: number): void {
    const { begun } = this.#blocks;
    const { frameCount, isWaiting } = this.#reader;
    const waits = begun || isWaiting || frameCount === 0;
    const isNew =
      !this.#waits || (begun ? !this.#inHeader : frameCount > 0 && frameCount !== this.#frameCount);
    if (waits && isNew) this.#sinceMs = nowMs;
    this.#waits = waits;
    this.#inHeader = begun;
    this.#frameCount = frameCount;
  }
}
