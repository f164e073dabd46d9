import { isDataType, type Tensor } from '@nereid/protocol';
import type { TensorDescription } from '../worker/worker-message.ts';
import type { TensorReader } from '../worker/worker-tensors.ts';
import { paddedBytes } from './worker-frame.ts';

/** Takes the tensors of a frame's payload, as views. */
export class PayloadTensors implements TensorReader {
  readonly release: (() => void) | null;
  readonly #payload: Uint8Array;
  #offset = 0;

  constructor(payload: Uint8Array, release: (() => void) | null = null) {
    this.#payload = payload;
    this.release = release;
  }

  take(descriptions: readonly TensorDescription[]): Tensor[] {
    return descriptions.map(([name, dataType, shape, byteCount]) => {
      const start = this.#offset;
      this.#offset = start + paddedBytes(byteCount);
      if (!isDataType(dataType) || this.#offset > this.#payload.byteLength) {
        throw new Error(`tensor '${name}' of the worker is not in its payload`);
      }
      return { name, dataType, shape, data: this.#payload.subarray(start, start + byteCount) };
    });
  }

  kept(): TensorReader {
    return new PayloadTensors(this.#payload.slice());
  }
}
