import type { Tensor } from '@nereid/protocol';
import { isDataType } from '@nereid/protocol/data-types';
import type { TensorDescription } from '../worker/worker-message.ts';
import type { TensorReader } from '../worker/worker-tensors.ts';
import { aligned } from './link/shared-ring.ts';

/** Smaller tensors travel together in one piece of memory, where arrays of every type can lie on them, larger ones each in its own. */
export const inlineBytesMax: number = 64 * 1024;

/** What goes between the threads: a message, the small tensors and the large ones, whose memory is handed over. */
export type ThreadPost = readonly [
  message: object,
  packed: Uint8Array | null,
  large: readonly Uint8Array[],
];

/** Memory that changes hands with a post. */
export interface PackedTensors {
  readonly packed: Uint8Array | null;
  readonly large: readonly Uint8Array[];
  readonly transfer: ArrayBuffer[];
}

const nothing: PackedTensors = { packed: null, large: [], transfer: [] };

/**
 * Puts tensors into memory that can be handed over.
 * @param movable Tells of a large tensor that its memory itself may go: it is not copied then.
 */
export function packTensors(
  tensors: readonly Uint8Array[],
  movable: (index: number) => boolean = () => false,
): PackedTensors {
  if (tensors.length === 0) return nothing;
  let packedBytes = 0;
  for (const { byteLength } of tensors) {
    if (byteLength <= inlineBytesMax) packedBytes += aligned(byteLength);
  }
  const packed = new Uint8Array(packedBytes);
  const large: Uint8Array[] = [];
  const transfer = [packed.buffer];
  let offset = 0;
  tensors.forEach((tensor, index) => {
    if (tensor.byteLength <= inlineBytesMax) {
      packed.set(tensor, offset);
      offset += aligned(tensor.byteLength);
      return;
    }
    const own = movable(index) ? tensor : copied(tensor);
    large.push(own);
    const memory = own.buffer as ArrayBuffer;
    if (!transfer.includes(memory)) transfer.push(memory);
  });
  return { packed, large, transfer };
}

/** Takes the tensors of a post, as views. */
export class PackReader implements TensorReader {
  readonly #packed: Uint8Array;
  readonly #large: readonly Uint8Array[];
  #offset = 0;
  #largeIndex = 0;

  constructor([, packed, large]: ThreadPost) {
    this.#packed = packed ?? new Uint8Array(0);
    this.#large = large;
  }

  take(descriptions: readonly TensorDescription[]): Tensor[] {
    return descriptions.map(([name, dataType, shape, byteCount]) => {
      const data = this.#next(byteCount);
      if (!isDataType(dataType) || data?.byteLength !== byteCount) {
        throw new Error(`tensor '${name}' of the worker is not in its message`);
      }
      return { name, dataType, shape, data };
    });
  }

  kept(): TensorReader {
    return this;
  }

  #next(byteCount: number): Uint8Array | undefined {
    if (byteCount > inlineBytesMax) return this.#large[this.#largeIndex++];
    const start = this.#offset;
    this.#offset = start + aligned(byteCount);
    return this.#packed.subarray(start, start + byteCount);
  }
}

/** Memory that is not cleared first, since all of it is written. */
function copied(tensor: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(tensor.byteLength);
  copy.set(tensor);
  return new Uint8Array(copy.buffer, 0, copy.byteLength);
}
