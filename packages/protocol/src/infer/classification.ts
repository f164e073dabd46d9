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
  const count = Math.min(classCount, rowElements);
  const texts: Buffer[] = [];
  for (let row = 0; row < rows; row++) {
    const from = row * rowElements;
    for (const index of bestIndexes(values, from, rowElements, count)) {
      const label = labels?.[index] ?? '';
      const text = `${valueText(values[from + index] as number | bigint)}:${index}${label === '' ? '' : `:${label}`}`;
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

function bestIndexes(
  values: ArrayLike<number | bigint>,
  from: number,
  length: number,
  count: number,
): number[] {
  const indexes = Array.from({ length }, (_, index) => index);
  // NaN has no place in an order; it goes behind everything that has.
  const rank = (index: number): number | bigint => {
    const value = values[from + index] as number | bigint;
    return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
  };
  indexes.sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x > y ? -1 : x < y ? 1 : a - b;
  });
  return indexes.slice(0, count);
}

/** As C++'s std::to_string: integers plain, floats with six decimals. */
function valueText(value: number | bigint): string {
  if (typeof value === 'bigint') return String(value);
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  // toFixed switches to exponents at 1e21, where every double is an integer.
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.000000`;
  return value.toFixed(6);
}

function lengthPrefix(length: number): Buffer {
  const prefix = Buffer.allocUnsafe(4);
  prefix.writeUInt32LE(length);
  return prefix;
}

/** Small integers become bigint too, so that they print without decimals. */
function numbersOf({ dataType, data }: Tensor): ArrayLike<number | bigint> {
  const aligned = data.byteOffset % elementByteSize(dataType) === 0 ? data : new Uint8Array(data);
  const { buffer, byteOffset, byteLength } = aligned;
  const length = byteLength / elementByteSize(dataType);
  const integers = (values: ArrayLike<number>): bigint[] => Array.from(values, BigInt);
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
      return integers(new Int8Array(buffer, byteOffset, length));
    case 'INT16':
      return integers(new Int16Array(buffer, byteOffset, length));
    case 'INT32':
      return integers(new Int32Array(buffer, byteOffset, length));
    case 'UINT16':
      return integers(new Uint16Array(buffer, byteOffset, length));
    case 'UINT32':
      return integers(new Uint32Array(buffer, byteOffset, length));
    default:
      return integers(aligned);
  }
}
