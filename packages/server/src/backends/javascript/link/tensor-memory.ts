import { markAsUntransferable } from 'node:worker_threads';
import { aligned } from './shared-ring.ts';

/** What small tensors of several messages lie in together: one that is kept keeps no more than this. */
const sharedBytes = 32 * 1024;
/** Larger tensors have memory of their own. */
const sharedTensorBytesMax = sharedBytes / 4;

/** Memory for tensors that are copied out of a ring. Each is the taker's own, for as long as it likes. */
export class TensorMemory {
  #shared: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;

  /** All of it has to be written: it is not cleared. */
  take(byteCount: number): Uint8Array {
    if (byteCount > sharedTensorBytesMax) return fresh(byteCount);
    if (this.#used + byteCount > this.#shared.length) {
      this.#shared = fresh(sharedBytes);
      // A model that hands the memory of its own tensor to another thread must not take that of others along.
      markAsUntransferable(this.#shared.buffer);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += aligned(byteCount);
    return this.#shared.subarray(start, start + byteCount);
  }
}

function fresh(byteCount: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(byteCount).buffer as ArrayBuffer);
}
