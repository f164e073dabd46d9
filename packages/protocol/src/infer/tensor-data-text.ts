import { elementByteSize } from '../data-type.ts';
import { jsonDoubleText, jsonStringLiteral } from '../json/json-text.ts';
import type { Tensor } from '../tensor.ts';
import { TritonError } from '../triton-error.ts';

type NumberArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array;

/**
 * The elements of a tensor as JSON, separated by commas, without brackets. BYTES elements come as
 * strings of bytes.
 */
export function tensorDataText(tensor: Tensor, count: number): string {
  const { dataType } = tensor;
  if (dataType === 'BYTES') return stringsText(tensor, count);
  const data = alignedData(tensor);
  const { buffer, byteOffset } = data;
  switch (dataType) {
    case 'BOOL':
      return Array.from(data, (byte) => (byte === 0 ? 'false' : 'true')).join(',');
    case 'FP32':
      return doublesText(new Float32Array(buffer, byteOffset, count));
    case 'FP64':
      return doublesText(new Float64Array(buffer, byteOffset, count));
    case 'UINT16':
      return numbersText(new Uint16Array(buffer, byteOffset, count));
    case 'UINT32':
      return numbersText(new Uint32Array(buffer, byteOffset, count));
    case 'UINT64':
      return numbersText(new BigUint64Array(buffer, byteOffset, count));
    case 'INT8':
      return numbersText(new Int8Array(buffer, byteOffset, count));
    case 'INT16':
      return numbersText(new Int16Array(buffer, byteOffset, count));
    case 'INT32':
      return numbersText(new Int32Array(buffer, byteOffset, count));
    case 'INT64':
      return numbersText(new BigInt64Array(buffer, byteOffset, count));
    default:
      return numbersText(data);
  }
}

/** Typed arrays want their elements at multiples of their size. */
function alignedData({ dataType, data }: Tensor): Uint8Array {
  return data.byteOffset % elementByteSize(dataType) === 0 ? data : new Uint8Array(data);
}

function numbersText(values: NumberArray): string {
  return values.join(',');
}

/** Doubles that are written in one go. */
const segmentElements = 512;

/**
 * JSON.stringify writes numbers four times as fast as a string each. It differs from rapidjson in
 * integers (no `.0`, a plus in exponents) and in NaN and infinities, so that these are written singly.
 */
function doublesText(values: Float32Array | Float64Array): string {
  let text = '';
  for (let start = 0; start < values.length; start += segmentElements) {
    const segment = Array.from(values.subarray(start, start + segmentElements));
    if (start > 0) text += ',';
    text += segment.every(isFraction)
      ? JSON.stringify(segment).slice(1, -1)
      : segment.map(jsonDoubleText).join(',');
  }
  return text;
}

function isFraction(value: number): boolean {
  return Math.trunc(value) !== value && value - value === 0;
}

function stringsText({ name, data }: Tensor, count: number): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const strings: string[] = [];
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const start = offset + 4;
    if (start > bytes.length) throw sizeError(name);
    offset = start + bytes.readUInt32LE(offset);
    if (offset > bytes.length) throw sizeError(name);
    strings.push(jsonStringLiteral(bytes.toString('latin1', start, offset)));
  }
  return strings.join(',');
}

function sizeError(name: string): TritonError {
  return new TritonError(
    'INTERNAL',
    `output tensor shape does not match size of output for '${name}'`,
  );
}
