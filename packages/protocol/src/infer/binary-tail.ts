import { TritonError } from '../triton-error.ts';

/** Hands out the binary data behind a request's JSON, input by input. Views, never copies. */
export class BinaryTail {
  readonly #body: Uint8Array;
  readonly #modelName: string;
  #offset: number;

  /** @param start where the JSON ends. @param modelName for the texts of errors. */
  constructor(body: Uint8Array, start: number, modelName: string) {
    this.#body = body;
    this.#offset = start;
    this.#modelName = modelName;
  }

  /**
   * The next bytes. @param inputName for the text of the error.
   * @throws TritonError INVALID_ARG where there are fewer.
   */
  take(byteSize: number | bigint, inputName: string): Uint8Array {
    const start = this.#offset;
    const left = this.#body.byteLength - start;
    if (byteSize > left) {
      const missing = BigInt(byteSize) - BigInt(left);
      throw new TritonError(
        'INVALID_ARG',
        `unexpected size for input '${inputName}', expecting ${missing} additional bytes for model '${this.#modelName}'`,
      );
    }
    this.#offset = start + Number(byteSize);
    return this.#body.subarray(start, this.#offset);
  }

  /** @throws TritonError INVALID_ARG where something is left. */
  end(): void {
    if (this.#offset === this.#body.byteLength) return;
    throw new TritonError(
      'INVALID_ARG',
      `unexpected additional input data for model '${this.#modelName}'`,
    );
  }
}
