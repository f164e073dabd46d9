import {
  type DataType,
  fromBfloat16Bits,
  fromFloat16Bits,
  isDataType,
  toBfloat16Bits,
  toFloat16Bits,
} from '@nereid/protocol/data-types';
import { arrayTypeOf, type TensorDataOf } from './tensor-data.ts';

/** What `tensor` takes as elements, row by row. */
export type TensorElements<T extends DataType> = T extends 'BYTES'
  ? string | Uint8Array | readonly (string | Uint8Array)[]
  : T extends 'INT64' | 'UINT64'
    ? TensorDataOf[T] | readonly (bigint | number)[]
    : T extends 'BOOL'
      ? TensorDataOf[T] | readonly (boolean | number)[]
      : T extends 'FP16' | 'BF16'
        ? TensorDataOf[T] | Float32Array | Float64Array | readonly number[]
        : TensorDataOf[T] | readonly number[];

/**
 * A multi-dimensional array of one data type, elements row by row. Its data is not copied. `Shape` is what is
 * known of its shape beforehand, for models whose types were generated; any other tensor has any shape.
 */
export class Tensor<
  T extends DataType = DataType,
  // biome-ignore lint/suspicious/noExplicitAny: where nothing is known, the shape is taken for the right one
  Shape extends readonly number[] = any,
> {
  readonly datatype: T;
  readonly shape: readonly number[];
  /** Typed arrays; for BYTES an array of byte strings. FP16 and BF16 are their bits: see `floats`. */
  readonly data: TensorDataOf[T];
  /** Only in types. */
  declare readonly '~shape'?: Shape | undefined;

  constructor(datatype: T, shape: readonly number[], data: TensorDataOf[T]) {
    this.datatype = datatype;
    this.shape = shape;
    this.data = data;
  }

  /** Number of elements. */
  get size(): number {
    return this.data.length;
  }

  /** The elements of a BYTES tensor as text in UTF-8. @throws TypeError for another data type. */
  strings(): string[] {
    const { data, datatype } = this;
    if (!Array.isArray(data)) throw new TypeError(`a tensor of ${datatype} holds no strings`);
    const decoder = new TextDecoder();
    return data.map((element) => decoder.decode(element));
  }

  /**
   * The elements as numbers: those of FP16 and BF16 widened, FP32 as they are, others converted, which
   * loses what a 32-bit float cannot hold. @throws TypeError for BYTES.
   */
  floats(): Float32Array {
    const { data, datatype } = this;
    if (Array.isArray(data)) throw new TypeError('a tensor of BYTES holds no numbers');
    if (data instanceof Float32Array) return data;
    if (datatype === 'FP16') return Float32Array.from(data as Uint16Array, fromFloat16Bits);
    if (datatype === 'BF16') return Float32Array.from(data as Uint16Array, fromBfloat16Bits);
    return Float32Array.from(data as ArrayLike<number | bigint>, Number);
  }
}

/**
 * Makes a tensor: `tensor('FP32', [1, 3, 224, 224], data)`. A typed array of the right type is taken as
 * it is; arrays of numbers, big integers, booleans and text are converted. Numbers for FP16 and BF16 are
 * rounded, unless they come as the bits in a Uint16Array.
 *
 * @throws TypeError for an unknown data type, or data that cannot be of it.
 * @throws RangeError when the shape does not fit the number of elements.
 */
export function tensor<
  const T extends DataType,
  // biome-ignore lint/suspicious/noExplicitAny: as for the class
  const Shape extends readonly number[] = any,
>(datatype: T, shape: Shape, data: TensorElements<T>): Tensor<T, Shape> {
  if (!isDataType(datatype)) throw new TypeError(`'${datatype}' is no data type`);
  const elements = elementsOf(datatype, data as TensorElements<DataType>);
  const size = sizeOf(shape);
  if (elements.length !== size) {
    throw new RangeError(
      `a tensor of shape [${shape}] has ${size} elements, but ${elements.length} were given`,
    );
  }
  return new Tensor(datatype, shape, elements as TensorDataOf[T]);
}

/** @throws RangeError for a dimension that is no whole number from 0 up. */
function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) {
      throw new RangeError(`[${shape}] is no shape: each dimension is a whole number from 0 up`);
    }
    size *= dimension;
  }
  return size;
}

function elementsOf(datatype: DataType, data: TensorElements<DataType>): TensorDataOf[DataType] {
  if (datatype === 'BYTES') return byteStrings(data);
  const ArrayOf = arrayTypeOf(datatype);
  if (data instanceof (ArrayOf as unknown as new () => object)) {
    return data as TensorDataOf[DataType];
  }
  if (!Array.isArray(data) && !(data instanceof Float32Array) && !(data instanceof Float64Array)) {
    throw new TypeError(`${Object.prototype.toString.call(data)} holds no ${datatype} elements`);
  }
  const values = data as readonly (number | bigint | boolean)[];
  const convert = converters[datatype] ?? Number;
  const elements = new ArrayOf(values.length);
  for (let i = 0; i < values.length; i++) {
    (elements as { [index: number]: number | bigint })[i] = convert(values[i] as number);
  }
  return elements;
}

const converters: Partial<Record<DataType, (value: number) => number | bigint>> = {
  BOOL: (value) => (value ? 1 : 0),
  INT64: BigInt,
  UINT64: BigInt,
  FP16: toFloat16Bits,
  BF16: toBfloat16Bits,
};

function byteStrings(data: TensorElements<DataType>): Uint8Array[] {
  const elements: readonly unknown[] =
    typeof data === 'string' || data instanceof Uint8Array
      ? [data]
      : (data as readonly (string | Uint8Array)[]);
  const encoder = new TextEncoder();
  return elements.map((element) => {
    if (typeof element === 'string') return encoder.encode(element);
    if (element instanceof Uint8Array) return element;
    throw new TypeError(`an element of a BYTES tensor is text or a Uint8Array, not ${element}`);
  });
}
