import type { HttpFailure } from './http-failure.ts';

/** Takes the bytes of one request body, in whatever pieces they arrive. */
export interface BodyReader {
  /**
   * Takes bytes of `bytes[start, end)`.
   *
   * @returns Where it stopped: at `end` unless the body is complete or failed before.
   */
  read(bytes: Buffer, start: number, end: number): number;
  readonly complete: boolean;
  readonly failure: HttpFailure | null;
  /** The whole body. Called once, when it is complete. May throw RangeError for want of memory. */
  take(): Buffer;
}
