/** The arrays that elements of each data type are in. */
export interface TensorArrays {
  /** 0 and 1. */
  readonly BOOL: Uint8Array;
  readonly UINT8: Uint8Array;
  readonly UINT16: Uint16Array;
  readonly UINT32: Uint32Array;
  readonly UINT64: BigUint64Array;
  readonly INT8: Int8Array;
  readonly INT16: Int16Array;
  readonly INT32: Int32Array;
  readonly INT64: BigInt64Array;
  /** Bit patterns; see `fromFloat16Bits`. */
  readonly FP16: Uint16Array;
  /** Bit patterns; see `fromBfloat16Bits`. */
  readonly BF16: Uint16Array;
  readonly FP32: Float32Array;
  readonly FP64: Float64Array;
  /** One array of bytes an element. */
  readonly BYTES: readonly Uint8Array[];
}

/** Names of data types as they are on the wire: FP32, BYTES, … */
export type DataType = keyof TensorArrays;

/** An array of numbers of one kind. */
export type TypedArray = Exclude<TensorArrays[DataType], readonly Uint8Array[]>;

/** A tensor that the model is given: of a request, or of another model's answer. The model may keep and change it. */
export interface InputTensor<T extends DataType = DataType> {
  readonly name: string;
  readonly dataType: T;
  /** With the batch dimension in front where the model has one. */
  readonly shape: readonly number[];
  /** The elements, row by row. */
  readonly data: TensorArrays[T];
  /** The same as bytes, as they came over the wire. */
  readonly bytes: Uint8Array;
  /** The elements of a BYTES tensor as text. @throws TritonError INVALID_ARG for another type, and for what is not UTF-8. */
  strings(): string[];
}

/** A tensor that the model gives: in a response, or to another model. */
export interface OutputTensor {
  readonly name: string;
  /** Where missing: of an output, what the configuration says; else what kind the array is of. */
  readonly dataType?: DataType;
  /** Where missing: the number of elements alone. */
  readonly shape?: readonly number[];
  /**
   * The elements, row by row: an array of the type's own kind, or a plain array of numbers, texts or bytes.
   * A large array (over 64 KiB) that fills its memory is handed over with a response, without a copy: the
   * model has it no more, its length is 0 then.
   */
  readonly data: TypedArray | readonly (number | bigint | boolean | string | Uint8Array)[];
  /** True for an array that the model needs afterwards: it is copied. */
  readonly keep?: boolean;
}
