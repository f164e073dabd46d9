import { isDataType, type Tensor } from '@nereid/protocol';
import type { TensorDescription } from '../worker/worker-message.ts';
import type { TensorReader } from '../worker/worker-tensors.ts';
import { paddedBytes } from './payload-places.ts';
import type { SharedTensors } from './shared-tensors.ts';

/** Takes the tensors of a frame's payload, as views. */
export class PayloadTensors implements TensorReader {
  readonly release: (() => void) | null;
  readonly #payload: Uint8Array;
  readonly #shared: SharedTensors | null;
  #offset = 0;
  #answerCount = 1;

  /** @param release Gives the payload's memory back. */
  constructor(
    payload: Uint8Array,
    shared: SharedTensors | null,
    release: (() => void) | null = null,
  ) {
    this.#payload = payload;
    this.#shared = shared;
    this.release = release === null ? null : () => --this.#answerCount === 0 && release();
  }

  sharedBy(answerCount: number): void {
    this.#answerCount = answerCount;
  }

  take(descriptions: readonly TensorDescription[]): Tensor[] {
    return descriptions.map(([name, dataType, shape, byteCount, place]) => {
      const data = place === undefined ? this.#next(byteCount) : this.#placed(place, byteCount);
      if (!isDataType(dataType) || data === null) {
        throw new Error(`tensor '${name}' of the worker is not in its payload`);
      }
      return { name, dataType, shape, data };
    });
  }

  kept(): TensorReader {
    return new PayloadTensors(this.#payload.slice(), this.#shared);
  }

  #next(byteCount: number): Uint8Array | null {
    const start = this.#offset;
    this.#offset = start + paddedBytes(byteCount);
    if (this.#offset > this.#payload.byteLength) return null;
    return this.#payload.subarray(start, start + byteCount);
  }

  #placed(place: number, byteCount: number): Uint8Array | null {
    return this.#shared?.given(place, byteCount) ?? null;
  }
}
