import type { DataType } from './data-type.ts';

/** A named tensor in wire form. */
export interface Tensor {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  /** Row-major, little-endian, no padding; BYTES elements each with a four-byte length before them. May be a view of a larger memory, at any alignment. */
  readonly data: Uint8Array;
}
