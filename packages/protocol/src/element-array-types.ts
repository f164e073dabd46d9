/**
 * The typed array whose elements have the size and form of a data type's. FP16 and BF16 are their 16 bits,
 * BOOL is 0 or 1 in a byte.
 */
export const elementArrayTypes: {
  readonly BOOL: typeof Uint8Array;
  readonly UINT8: typeof Uint8Array;
  readonly UINT16: typeof Uint16Array;
  readonly UINT32: typeof Uint32Array;
  readonly UINT64: typeof BigUint64Array;
  readonly INT8: typeof Int8Array;
  readonly INT16: typeof Int16Array;
  readonly INT32: typeof Int32Array;
  readonly INT64: typeof BigInt64Array;
  readonly FP16: typeof Uint16Array;
  readonly BF16: typeof Uint16Array;
  readonly FP32: typeof Float32Array;
  readonly FP64: typeof Float64Array;
} = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  BF16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
};
