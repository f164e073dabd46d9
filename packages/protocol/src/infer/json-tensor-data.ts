import type { DataType } from '../data-type.ts';
import { elementByteSize } from '../data-type.ts';
import { JsonNumberScanner, literalValue, smallInteger } from '../json/json-number.ts';
import { jsonDepthMax } from '../json/json-reader.ts';
import { scanString, unescapeInto } from '../json/json-string.ts';
import type { JsonSpan } from '../json/json-value.ts';
import { TritonError } from '../triton-error.ts';

const quote = 0x22;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** Memory of tensors: off the V8 heap and aligned for every element type, for native code to read in place. */
function allocateTensor(byteLength: number): Buffer {
  return Buffer.allocUnsafeSlow(Math.max(128, byteLength)).subarray(0, byteLength);
}

/**
 * The `data` of an input as bytes: numbers and booleans little-endian, strings each with their length
 * before them. Nested arrays are taken as one row of elements.
 *
 * @param span where the array stands in `bytes`; it is valid JSON.
 * @param elementCount that the shape asks for; of BYTES any number is taken.
 * @throws TritonError with Triton's texts where elements are of the wrong type, too many or too few.
 */
export function readTensorData(
  bytes: Buffer,
  span: JsonSpan,
  dataType: DataType,
  elementCount: number,
): Uint8Array {
  const elements = new ElementCursor(bytes, span);
  if (dataType === 'BYTES') return readStrings(elements);
  const data = allocateTensor(elementCount * elementByteSize(dataType));
  const write = writerOf(dataType, data, new JsonNumberScanner(bytes));
  let count = 0;
  try {
    for (let at = elements.next(); at >= 0; at = elements.next()) {
      if (count >= elementCount) throw new Error("Shape does not match true shape of 'data' field");
      elements.position = write(count++, at, elements.end);
    }
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

function dataError(failure: unknown): TritonError {
  const { message } = failure as Error;
  const code = failure instanceof TritonError ? failure.code : 'INTERNAL';
  return new TritonError(code, `Unable to parse 'data': ${message}`);
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
    let at = this.position;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === openBracket) {
        this.#depth++;
        // Triton looks at each array and element of an array when it gets there.
        if (this.#depth > jsonDepthMax) this.#tooDeep();
      } else if (byte === closeBracket) {
        this.#depth--;
      } else if (byte > 0x20 && byte !== 0x2c) {
        if (this.#depth >= jsonDepthMax) this.#tooDeep();
        this.position = at;
        return at;
      }
    }
    this.position = at;
    return -1;
  }

  #tooDeep(): never {
    throw new TritonError(
      'INVALID_ARG',
      `JSON nesting depth exceeds maximum allowed limit (${jsonDepthMax})`,
    );
  }
}

/** Reads the element at an offset into a place of the tensor. @returns the offset behind it. */
type ElementWriter = (index: number, at: number, end: number) => number;

function writerOf(dataType: DataType, data: Buffer, numbers: JsonNumberScanner): ElementWriter {
  const { buffer, byteOffset } = data;
  const length = data.byteLength / elementByteSize(dataType);
  const bytes = numbers.bytes;
  switch (dataType) {
    case 'BOOL':
      return (index, at) => {
        const isTrue = bytes[at] === 0x74;
        if (!isTrue && bytes[at] !== 0x66) {
          throw new Error('attempt to access JSON non-boolean as boolean');
        }
        data[index] = isTrue ? 1 : 0;
        return at + (isTrue ? 4 : 5);
      };
    case 'FP32':
      return doubles(new Float32Array(buffer, byteOffset, length), numbers);
    case 'FP64':
      return doubles(new Float64Array(buffer, byteOffset, length), numbers);
    case 'UINT8':
      return integers(data, numbers, true);
    case 'UINT16':
      return integers(new Uint16Array(buffer, byteOffset, length), numbers, true);
    case 'UINT32':
      return integers(new Uint32Array(buffer, byteOffset, length), numbers, true);
    case 'INT8':
      return integers(new Int8Array(buffer, byteOffset, length), numbers, false);
    case 'INT16':
      return integers(new Int16Array(buffer, byteOffset, length), numbers, false);
    case 'INT32':
      return integers(new Int32Array(buffer, byteOffset, length), numbers, false);
    case 'UINT64':
      return wideIntegers(new BigUint64Array(buffer, byteOffset, length), numbers, true);
    case 'INT64':
      return wideIntegers(new BigInt64Array(buffer, byteOffset, length), numbers, false);
    default:
      throw new Error(`no JSON form of ${dataType}`);
  }
}

function doubles(target: Float32Array | Float64Array, numbers: JsonNumberScanner): ElementWriter {
  return (index, at, end) => {
    refuseNonNumber(numbers.bytes[at] as number, 'attempt to access JSON non-number as double');
    const behind = numbers.skip(at, end);
    if (numbers.kind === 'literal') target[index] = literalValue(numbers.bytes, at);
    else if (numbers.kind === 'integer' && behind - at <= 15) {
      target[index] = smallInteger(numbers.bytes, at, behind);
    } else target[index] = numbers.double(at, behind);
    return behind;
  };
}

type NarrowIntegers = Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array;

/** Values beyond the element type wrap around, as in Triton. */
function integers(
  target: NarrowIntegers,
  numbers: JsonNumberScanner,
  unsigned: boolean,
): ElementWriter {
  return (index, at, end) => {
    const first = numbers.bytes[at] as number;
    refuseNonNumber(first, nonInteger(unsigned));
    const behind = numbers.skip(at, end);
    if (numbers.kind === 'integer' && behind - at <= 15 && !(unsigned && first === 0x2d)) {
      target[index] = smallInteger(numbers.bytes, at, behind);
    } else {
      target[index] = Number(BigInt.asIntN(32, wideInteger(numbers, at, unsigned)));
    }
    return behind;
  };
}

function wideIntegers(
  target: BigInt64Array | BigUint64Array,
  numbers: JsonNumberScanner,
  unsigned: boolean,
): ElementWriter {
  return (index, at, end) => {
    refuseNonNumber(numbers.bytes[at] as number, nonInteger(unsigned));
    const behind = numbers.skip(at, end);
    target[index] = wideInteger(numbers, at, unsigned);
    return behind;
  };
}

/** The number that was just skipped, as an integer of 64 bits. */
function wideInteger(numbers: JsonNumberScanner, at: number, unsigned: boolean): bigint {
  const text = numbers.bytes.toString('latin1', at, numbers.end);
  const value = numbers.kind === 'integer' ? BigInt(text) : null;
  const fits =
    value !== null &&
    (unsigned ? BigInt.asUintN(64, value) === value : BigInt.asIntN(64, value) === value);
  if (!fits) throw new Error(nonInteger(unsigned));
  return value as bigint;
}

function nonInteger(unsigned: boolean): string {
  return unsigned
    ? 'attempt to access JSON non-unsigned-integer as unsigned-integer'
    : 'attempt to access JSON non-signed-integer as signed-integer';
}

/** Numbers begin with a digit, a minus, N(aN) or I(nf). */
function refuseNonNumber(first: number, text: string): void {
  if (first >= 0x30 && first <= 0x39) return;
  if (first !== 0x2d && first !== 0x4e && first !== 0x49) throw new Error(text);
}

/** An element takes at least three bytes in JSON and four more than its content here. */
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
    const found = scanString(bytes, at + 1, end);
    const close = Math.abs(found);
    let size = close - at - 1;
    if (found >= 0) bytes.copy(data, length + 4, at + 1, close);
    else size = unescapeInto(data, length + 4, bytes, at + 1, close);
    data.writeUInt32LE(size, length);
    length += 4 + size;
    elements.position = close + 1;
  }
  return data.subarray(0, length);
}
