import { elementByteSize } from '../data-type.ts';
import type { Tensor } from '../tensor.ts';
import { TritonError } from '../triton-error.ts';

/** Elements of one batch entry that are sorted for their classes; larger outputs are refused. */
export const classificationElementsMax = 1_000_000;

/**
 * Turns an output into its best classes: BYTES `<value>:<index>[:<label>]`, best first, one row for
 * each batch entry.
 *
 * @param classCount how many classes are wanted; fewer come when there are fewer elements.
 * @param labels class names by index, or null.
 * @param batched whether the first dimension is the batch.
 * @throws TritonError INVALID_ARG for types without an order, and for outputs too large or empty.
 */
export function classify(
  output: Tensor,
  classCount: number,
  labels: readonly string[] | null,
  batched: boolean,
): Tensor {
  const { name, dataType, shape, data } = output;
  if (dataType === 'BYTES' || dataType === 'BOOL' || dataType === 'FP16' || dataType === 'BF16') {
    throw new TritonError(
      'INVALID_ARG',
      `class result not available for output due to unsupported type '${dataType}'`,
    );
  }
  const batchSize = batched && shape.length > 0 ? (shape[0] as number) : 0;
  const rows = Math.max(1, batchSize);
  const rowShape = batchSize === 0 ? shape : shape.slice(1);
  const rowElements = rowShape.reduce((product, dim) => product * dim, 1);
  if (rowElements > classificationElementsMax) {
    throw new TritonError('INVALID_ARG', 'classification output tensor too large');
  }
  const elementBytes = elementByteSize(dataType);
  if (rowElements === 0 || data.byteLength !== rows * rowElements * elementBytes) {
    throw new TritonError(
      'INVALID_ARG',
      `class result not available for output '${name}': it has no elements`,
    );
  }
  const values = numbersOf(output);
  const decimals = dataType === 'FP32' || dataType === 'FP64';
  const count = Math.min(classCount, rowElements);
  const texts: Buffer[] = [];
  for (let row = 0; row < rows; row++) {
    const rowValues = values.subarray(row * rowElements, (row + 1) * rowElements);
    for (const index of bestIndexes(rowValues, count)) {
      const value = rowValues[index] as number | bigint;
      const label = labels?.[index] ?? '';
      const text = `${decimals ? decimalText(value as number) : value}:${index}${label === '' ? '' : `:${label}`}`;
      texts.push(lengthPrefix(Buffer.byteLength(text)), Buffer.from(text));
    }
  }
  return {
    name,
    dataType: 'BYTES',
    shape: batchSize === 0 ? [count] : [batchSize, count],
    data: Buffer.concat(texts),
  };
}

type NumberArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/**
 * Indexes of the largest values, largest first, the lower of two equal ones first; NaN, which has no
 * place in an order, comes last. Sorting the values alone is native and fast: it tells which indexes
 * are worth being sorted with a comparison of ours.
 */
function bestIndexes(values: NumberArray, count: number): number[] {
  const sorted = values.slice().sort();
  let numbers = sorted.length;
  while (numbers > 0 && Number.isNaN(sorted[numbers - 1])) numbers--;
  const least = sorted[Math.max(0, numbers - count)] as number | bigint;
  const above: number[] = [];
  const equal: number[] = [];
  const unordered: number[] = [];
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number | bigint;
    if (value > least) above.push(index);
    else if (value === least) equal.push(index);
    else if (Number.isNaN(value)) unordered.push(index);
  }
  above.sort((a, b) => {
    const [x, y] = [values[a] as number | bigint, values[b] as number | bigint];
    return x > y ? -1 : x < y ? 1 : a - b;
  });
  return above.concat(equal, unordered).slice(0, count);
}

/** As C++'s std::to_string writes a float. */
function decimalText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + sixDecimals(Math.abs(value));
}

function sixDecimals(value: number): string {
  // toFixed switches to exponents at 1e21, where every double is an integer.
  if (value >= 1e21) return `${BigInt(value)}.000000`;
  // Halfway between two last decimals are the odd multiples of 1/128: C rounds to the even one, toFixed up.
  const parts = value * 128;
  if (parts % 2 !== 1) return value.toFixed(6);
  const lower = (BigInt(parts) * 15_625n - 1n) / 2n;
  const millionths = lower % 2n === 0n ? lower : lower + 1n;
  return `${millionths / 1_000_000n}.${String(millionths % 1_000_000n).padStart(6, '0')}`;
}

function lengthPrefix(length: number): Buffer {
  const prefix = Buffer.allocUnsafe(4);
  prefix.writeUInt32LE(length);
  return prefix;
}

function numbersOf({ dataType, data }: Tensor): NumberArray {
  const aligned = data.byteOffset % elementByteSize(dataType) === 0 ? data : new Uint8Array(data);
  const { buffer, byteOffset, byteLength } = aligned;
  const length = byteLength / elementByteSize(dataType);
  switch (dataType) {
    case 'FP32':
      return new Float32Array(buffer, byteOffset, length);
    case 'FP64':
      return new Float64Array(buffer, byteOffset, length);
    case 'INT64':
      return new BigInt64Array(buffer, byteOffset, length);
    case 'UINT64':
      return new BigUint64Array(buffer, byteOffset, length);
    case 'INT8':
      return new Int8Array(buffer, byteOffset, length);
    case 'INT16':
      return new Int16Array(buffer, byteOffset, length);
    case 'INT32':
      return new Int32Array(buffer, byteOffset, length);
    case 'UINT16':
      return new Uint16Array(buffer, byteOffset, length);
    case 'UINT32':
      return new Uint32Array(buffer, byteOffset, length);
    default:
      return new Uint8Array(buffer, byteOffset, length);
  }
}
