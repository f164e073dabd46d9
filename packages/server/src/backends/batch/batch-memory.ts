import { allocateAligned } from '@nereid/native';

/** Larger tensors get memory of their own each time: an idle instance should not hold so much. */
const keptBytesMax = 64 * 1024 * 1024;

/**
 * Memory for the tensors of one instance's batches, used again for every batch: fresh memory must be
 * mapped in page by page, which takes longer than the copying. Bytes lie at a multiple of 64 and do not
 * move. Only for an instance that runs one batch at a time and whose results are no views of its inputs.
 */
export class BatchMemory {
  readonly #slots: Uint8Array[] = [];

  /** Uninitialised memory for the input at an index; what it held before is gone. */
  take(index: number, byteLength: number): Uint8Array {
    if (byteLength > keptBytesMax) return allocateAligned(byteLength);
    let slot = this.#slots[index];
    if (slot === undefined || slot.byteLength < byteLength) {
      slot = allocateAligned(2 ** Math.ceil(Math.log2(Math.max(64, byteLength))));
      this.#slots[index] = slot;
    }
    return slot.subarray(0, byteLength);
  }
}
