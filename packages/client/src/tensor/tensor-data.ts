import {
  bytesElements,
  bytesLengthBytes,
  type DataType,
  elementArrayTypes,
  elementByteSize,
} from '@nereid/protocol/data-types';

/** The form that the elements of each data type have in memory. FP16 and BF16 are their 16 bits. */
export interface TensorDataOf {
  BOOL: Uint8Array;
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  FP16: Uint16Array;
  BF16: Uint16Array;
  FP32: Float32Array;
  FP64: Float64Array;
  BYTES: Uint8Array[];
}

type FixedDataType = Exclude<DataType, 'BYTES'>;

interface ArrayType {
  new (length: number): TensorDataOf[FixedDataType];
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorDataOf[FixedDataType];
}

/** The typed array that holds elements of this type. */
export function arrayTypeOf(datatype: FixedDataType): ArrayType {
  return elementArrayTypes[datatype] as ArrayType;
}

/** The elements as they travel: a view for typed arrays, each with its length before it for BYTES. */
export function bytesOfData(data: TensorDataOf[DataType]): Uint8Array {
  if (Array.isArray(data)) return joinElements(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * The elements out of the bytes that they travelled in: views of them, or a copy where they do not lie
 * at a multiple of the element's size.
 * @throws RangeError for a length that is no whole number of elements.
 */
export function dataOfBytes<T extends DataType>(datatype: T, bytes: Uint8Array): TensorDataOf[T] {
  if (datatype === 'BYTES') return bytesElements(bytes, cutOffElement) as TensorDataOf[T];
  const size = elementByteSize(datatype);
  if (bytes.byteLength % size !== 0) {
    throw new RangeError(`${bytes.byteLength} bytes are no whole number of ${datatype} elements`);
  }
  const ArrayOf = arrayTypeOf(datatype as FixedDataType);
  // Not by `slice`, which for Node's Buffer is a view.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new ArrayOf(
    aligned.buffer,
    aligned.byteOffset,
    bytes.byteLength / size,
  ) as TensorDataOf[T];
}

function joinElements(elements: readonly Uint8Array[]): Uint8Array {
  const total = elements.reduce((sum, { byteLength }) => sum + bytesLengthBytes + byteLength, 0);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const element of elements) {
    view.setUint32(at, element.byteLength, true);
    bytes.set(element, at + bytesLengthBytes);
    at += bytesLengthBytes + element.byteLength;
  }
  return bytes;
}

function cutOffElement(index: number): RangeError {
  return new RangeError(`element ${index} of a BYTES tensor runs past its data`);
}
