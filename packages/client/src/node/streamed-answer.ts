import type { HttpStreamAnswer } from '../http/http-transport.ts';
import type { InferenceError } from '../inference-error.ts';
import type { ResponseSink } from './http-exchange.ts';
import type { ResponseHead } from './response-head.ts';

/** Bytes that may wait for their reader before the server has to. */
const waitingBytesMax = 1024 * 1024;

/** What a reader does to the connection. */
export interface StreamControl {
  /** Goes on reading. */
  resume(): void;
  /** Gives the answer up. */
  cancel(): void;
  /** The answer is whole. */
  done(): void;
}

/** Hands an answer on piece by piece, no faster than it is read. */
export class StreamedAnswer implements ResponseSink {
  readonly #resolve: (answer: HttpStreamAnswer) => void;
  readonly #reject: (error: InferenceError) => void;
  readonly #control: StreamControl;
  #pieces: Uint8Array[] = [];
  #waitingBytes = 0;
  #opened = false;
  #over = false;
  #error: InferenceError | null = null;
  #wake: (() => void) | null = null;

  constructor(
    resolve: (answer: HttpStreamAnswer) => void,
    reject: (error: InferenceError) => void,
    control: StreamControl,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#control = control;
  }

  head({ status, fields }: ResponseHead): void {
    this.#opened = true;
    this.#resolve({ status, header: (name) => fields.get(name) ?? null, body: this.#read() });
  }

  target(): null {
    return null;
  }

  filled(): void {}

  piece(bytes: Uint8Array): boolean {
    this.#pieces.push(bytes.slice());
    this.#waitingBytes += bytes.length;
    this.#wake?.();
    return this.#waitingBytes <= waitingBytesMax;
  }

  end(): void {
    this.#over = true;
    this.#control.done();
    this.#wake?.();
  }

  fail(error: InferenceError): void {
    if (!this.#opened) {
      this.#reject(error);
      return;
    }
    this.#error = error;
    this.#wake?.();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          this.#waitingBytes -= piece.length;
          if (this.#pieces.length === 0) this.#control.resume();
          yield piece;
        } else if (this.#error !== null) throw this.#error;
        else if (this.#over) return;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = null;
        }
      }
    } finally {
      if (!this.#over && this.#error === null) this.#control.cancel();
    }
  }
}
