import type { DataType } from '../data-type.ts';
import { elementByteSize } from '../data-type.ts';
import { jsonDepthMax } from '../json/json-reader.ts';
import { scanString, unescapeInto } from '../json/json-string.ts';
import type { JsonSpan } from '../json/json-value.ts';
import { TritonError } from '../triton-error.ts';
import { type NumberKind, NumberScanner, tooDeep } from './number-scanner.ts';

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** Smaller tensors share Node's pool: a block of memory of their own costs more than reading them. */
const pooledBytesMax = 2048;

/** Elements that are read before they are put into their tensor. */
const chunkElements = 1024;
const chunk: Float64Array = new Float64Array(chunkElements);

/** Memory of tensors: off the V8 heap and aligned for every element type, for native code to read in place. */
function allocateTensor(byteLength: number): Buffer {
  return byteLength <= pooledBytesMax
    ? Buffer.allocUnsafe(byteLength)
    : Buffer.allocUnsafeSlow(byteLength);
}

/**
 * The `data` of an input as bytes: numbers and booleans little-endian, strings each with their length
 * before them. Nested arrays are taken as one row of elements. Values beyond an integer type wrap
 * around, as in Triton.
 *
 * @param span where the array, or the one element, stands in `bytes`; it is valid JSON, and is followed
 *   by something that is no part of a number.
 * @param elementCount that the shape asks for; of BYTES any number is taken.
 * @throws TritonError with Triton's texts where elements are of the wrong type, too many or too few.
 */
export function readTensorData(
  bytes: Buffer,
  span: JsonSpan,
  dataType: DataType,
  elementCount: number,
): Uint8Array {
  if (dataType === 'BYTES') return readStrings(new ElementCursor(bytes, span));
  const data = allocateTensor(elementCount * elementByteSize(dataType));
  let count: number;
  try {
    count =
      dataType === 'BOOL'
        ? readBooleans(new ElementCursor(bytes, span), data)
        : readNumbers(bytes, span, dataType, data, elementCount);
  } catch (failure) {
    throw dataError(failure);
  }
  if (count < elementCount) {
    throw new TritonError(
      'INTERNAL',
      "Failed to parse 'data' field: shape does not match true shape",
    );
  }
  return data;
}

function dataError(failure: unknown): unknown {
  if (!(failure instanceof Error)) return failure;
  const code = failure instanceof TritonError ? failure.code : 'INTERNAL';
  return new TritonError(code, `Unable to parse 'data': ${failure.message}`);
}

function tooManyElements(): Error {
  return new Error("Shape does not match true shape of 'data' field");
}

function readNumbers(
  bytes: Buffer,
  span: JsonSpan,
  dataType: DataType,
  data: Buffer,
  elementCount: number,
): number {
  const target = typedView(dataType, data, elementCount);
  const scanner = new NumberScanner(bytes, span.start, span.end, numberKindOf(dataType));
  let count = 0;
  while (count < elementCount) {
    const length = Math.min(chunkElements, elementCount - count);
    let read: number;
    if (target instanceof BigInt64Array) {
      read = scanner.fill(chunk.subarray(0, length), target.subarray(count, count + length));
    } else {
      const values = length === chunkElements ? chunk : chunk.subarray(0, length);
      read = scanner.fill(values, null);
      target.set(read === chunkElements ? chunk : chunk.subarray(0, read), count);
    }
    count += read;
    if (read < length) return count;
  }
  if (scanner.hasNext()) throw tooManyElements();
  return count;
}

type NumberArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

function typedView(
  dataType: DataType,
  { buffer, byteOffset }: Buffer,
  length: number,
): NumberArray {
  switch (dataType) {
    case 'FP32':
      return new Float32Array(buffer, byteOffset, length);
    case 'FP64':
      return new Float64Array(buffer, byteOffset, length);
    case 'UINT8':
      return new Uint8Array(buffer, byteOffset, length);
    case 'UINT16':
      return new Uint16Array(buffer, byteOffset, length);
    case 'UINT32':
      return new Uint32Array(buffer, byteOffset, length);
    case 'INT8':
      return new Int8Array(buffer, byteOffset, length);
    case 'INT16':
      return new Int16Array(buffer, byteOffset, length);
    case 'INT32':
      return new Int32Array(buffer, byteOffset, length);
    case 'INT64':
    case 'UINT64':
      return new BigInt64Array(buffer, byteOffset, length);
    default:
      throw new Error(`no JSON form of ${dataType}`);
  }
}

function numberKindOf(dataType: DataType): NumberKind {
  if (dataType === 'FP32') return 'float32';
  if (dataType === 'FP64') return 'float64';
  return dataType.startsWith('U') ? 'unsigned' : 'signed';
}

/** Goes from element to element of nested arrays. */
class ElementCursor {
  readonly bytes: Buffer;
  readonly end: number;
  /** Who reads an element moves this behind it. */
  position: number;
  #depth = 0;

  constructor(bytes: Buffer, span: JsonSpan) {
    this.bytes = bytes;
    this.position = span.start;
    this.end = span.end;
  }

  /** Offset of the next element that is no array; -1 at the end. @throws TritonError for one nested too deep. */
  next(): number {
    const { bytes, end } = this;
    for (let at = this.position; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === openBracket) {
        if (++this.#depth > jsonDepthMax) throw tooDeep();
      } else if (byte === closeBracket) {
        this.#depth--;
      } else if (byte > 0x20 && byte !== 0x2c) {
        if (this.#depth >= jsonDepthMax) throw tooDeep();
        return at;
      }
    }
    return -1;
  }
}

function readBooleans(elements: ElementCursor, data: Buffer): number {
  let count = 0;
  for (let at = elements.next(); at >= 0; at = elements.next()) {
    if (count >= data.length) throw tooManyElements();
    const isTrue = elements.bytes[at] === 0x74;
    if (!isTrue && elements.bytes[at] !== 0x66) {
      throw new Error('attempt to access JSON non-boolean as boolean');
    }
    data[count++] = isTrue ? 1 : 0;
    elements.position = at + (isTrue ? 4 : 5);
  }
  return count;
}

/**
 * An element takes at least three bytes in JSON and four more than its content here. Most strings are
 * so short that copying them byte by byte costs less than a native call.
 */
function readStrings(elements: ElementCursor): Uint8Array {
  const { bytes, end } = elements;
  const room = Math.ceil(((end - elements.position) * 4) / 3) + 4;
  const data = allocateTensor(room);
  let length = 0;
  for (let at = elements.next(); at >= 0; at = elements.next()) {
    if (bytes[at] !== quote) {
      throw new TritonError(
        'INTERNAL',
        'Unable to parse JSON bytes array: attempt to access JSON non-string as string',
      );
    }
    let from = at + 1;
    let to = length + 4;
    let byte = bytes[from] as number;
    while (byte !== quote && byte !== backslash) {
      data[to++] = byte;
      byte = bytes[++from] as number;
    }
    if (byte === backslash) {
      const close = Math.abs(scanString(bytes, from, end));
      to += unescapeInto(data, to, bytes, from, close);
      from = close;
    }
    data.writeUInt32LE(to - length - 4, length);
    length = to;
    elements.position = from + 1;
  }
  return data.subarray(0, length);
}
