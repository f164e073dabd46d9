import { elementByteSize } from '../data-type.ts';
import type { Tensor } from '../tensor.ts';
import { TritonError } from '../triton-error.ts';
import { descendingKeys, type OrderedType } from './class-order.ts';
import { ClassTexts } from './class-texts.ts';
import { firstElements, hasTies, type OrderKeys } from './element-order.ts';
import { unstableOrder } from './unstable-order.ts';

/** Elements of one batch entry that are ordered for their classes; larger outputs are refused. */
export const classificationElementsMax = 1_000_000;

/**
 * Elements of one batch entry whose equal ones come in Triton's order, which takes a sort of all of them: 3 to 6 ms
 * of processor time for so many, 0.05 to 0.1 ms for a thousand. Larger outputs would hold the event loop up.
 */
const tiedElementsMax = 65_536;

/** Classes of all batch entries that one output may be turned into: a second or two of encoding. */
const classesMax = 2_000_000;

/**
 * Turns an output into its best classes: BYTES `<value>:<index>[:<label>]`, best first, one row for
 * each batch entry. Equal values come as Triton's sort leaves them, those of more than `tiedElementsMax` elements
 * by their index; NaN, which has no place in an order, comes last.
 *
 * @param classCount how many classes are wanted; fewer come when there are fewer elements.
 * @param labels class names by index, or null.
 * @param batched whether the first dimension is the batch.
 * @throws TritonError INVALID_ARG for types without an order, for outputs too large or empty, and for too many classes.
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
  const count = Math.min(classCount, rowElements);
  if (rows * count > classesMax) {
    throw new TritonError(
      'INVALID_ARG',
      `classification of output '${name}' would have ${rows * count} classes, at most ${classesMax} are possible`,
    );
  }
  const aligned = alignedTo(elementBytes, output);
  const values = numbersOf(dataType, aligned);
  const texts = new ClassTexts(rows * count, dataType === 'FP32' || dataType === 'FP64');
  for (let row = 0; row < rows; row++) {
    const first = row * rowElements;
    const bytes = aligned.subarray(first * elementBytes, (first + rowElements) * elementBytes);
    for (const index of bestIndexes(descendingKeys(dataType, bytes), count)) {
      texts.add(values[first + index] as number | bigint, index, labels?.[index] ?? '');
    }
  }
  return {
    name,
    dataType: 'BYTES',
    shape: batchSize === 0 ? [count] : [batchSize, count],
    data: texts.tensorData(),
  };
}

function bestIndexes(keys: OrderKeys, count: number): Uint32Array {
  const first = firstElements(keys, count);
  if (keys.high.length > tiedElementsMax || !hasTies(keys, first)) return first;
  return unstableOrder(keys).subarray(0, count);
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

function alignedTo(elementBytes: number, { data }: Tensor): Uint8Array {
  return data.byteOffset % elementBytes === 0 ? data : new Uint8Array(data);
}

function numbersOf(dataType: OrderedType, data: Uint8Array): NumberArray {
  const { buffer, byteOffset, byteLength } = data;
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
    case 'UINT8':
      return new Uint8Array(buffer, byteOffset, length);
  }
}
