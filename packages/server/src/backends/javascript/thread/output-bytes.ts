import type { OutputTensor } from '@nereid/model';
import { type DataType, elementByteSize, isDataType } from '@nereid/protocol/data-types';
import type { TensorDescription } from '../../worker/worker-message.ts';
import { inlineBytesMax } from '../tensor-pack.ts';
import { arrayOf, holdsType, typeOfArray } from './element-arrays.ts';

/** What one response, or one call, may carry; memory beyond it is a mistake. */
const tensorBytesMax = 2 ** 31;

/** A tensor of the model in wire form. */
export interface EncodedTensor {
  readonly description: TensorDescription;
  readonly bytes: Uint8Array;
  /** Its memory is all its own, and the model gave it away. */
  readonly movable: boolean;
}

/**
 * @param configured What the configuration says of its type; null where it says nothing.
 * @throws TypeError or RangeError that says what is wrong with it.
 */
export function encodeTensor(tensor: OutputTensor, configured: DataType | null): EncodedTensor {
  const { name, data } = checked(tensor);
  const dataType = tensor.dataType ?? configured ?? typeOfArray(data);
  if (dataType === null) {
    throw new TypeError(`tensor '${name}' needs a dataType: its array does not tell it`);
  }
  if (!isDataType(dataType)) {
    throw new TypeError(`tensor '${name}' has dataType ${JSON.stringify(dataType)}, which is none`);
  }
  const { bytes, count } =
    dataType === 'BYTES' ? textBytes(name, data) : numberBytes(name, data, dataType);
  const shape = tensor.shape === undefined ? [count] : checkedShape(name, tensor.shape, count);
  const movable =
    bytes.byteLength > inlineBytesMax &&
    tensor.keep !== true &&
    bytes.buffer instanceof ArrayBuffer &&
    bytes.buffer.byteLength === bytes.byteLength;
  return { description: [name, dataType, shape, bytes.byteLength], bytes, movable };
}

/** @throws RangeError for tensors that are more than one message can carry. */
export function checkTotal(tensors: readonly EncodedTensor[]): void {
  const total = tensors.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  if (total > tensorBytesMax) {
    throw new RangeError(`the tensors take ${total} bytes, at most ${tensorBytesMax} are possible`);
  }
}

function checked(tensor: unknown): { name: string; data: unknown } {
  if (typeof tensor !== 'object' || tensor === null) {
    throw new TypeError(`a tensor must be an object with name and data, got ${String(tensor)}`);
  }
  const { name, data } = tensor as { name?: unknown; data?: unknown };
  if (typeof name !== 'string' || name === '') throw new TypeError('a tensor needs a name');
  if (data === undefined || data === null) throw new TypeError(`tensor '${name}' has no data`);
  return { name, data };
}

function checkedShape(name: string, shape: readonly number[], count: number): readonly number[] {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new TypeError(`tensor '${name}' has a shape that is no list of sizes: ${String(shape)}`);
  }
  const expected = shape.reduce((product, size) => product * size, 1);
  if (expected !== count) {
    throw new RangeError(
      `tensor '${name}' has ${count} elements, its shape [${shape.join(',')}] asks for ${expected}`,
    );
  }
  return shape;
}

function numberBytes(
  name: string,
  data: unknown,
  dataType: Exclude<DataType, 'BYTES'>,
): { bytes: Uint8Array; count: number } {
  const array = Array.isArray(data) ? plainArray(name, dataType, data) : data;
  if (!ArrayBuffer.isView(array) || !holdsType(array, dataType)) {
    const kind = (data as object).constructor?.name ?? typeof data;
    throw new TypeError(
      `tensor '${name}' has data type ${dataType}, which a ${kind} does not hold`,
    );
  }
  // What was moved has an empty array on memory that is gone.
  const gone = (array.buffer as ArrayBuffer & { detached?: boolean }).detached === true;
  if (gone || (array.byteLength === 0 && array.buffer.byteLength === 0 && isHandedOver(array))) {
    throw new TypeError(
      `the array of tensor '${name}' was handed over with an earlier response: give the tensor keep: true where the array is used again`,
    );
  }
  const bytes = new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
  return { bytes, count: array.byteLength / elementByteSize(dataType) };
}

/** An empty array whose memory cannot even be looked at: Node 20 has no `detached`. */
function isHandedOver(array: ArrayBufferView): boolean {
  try {
    new Uint8Array(array.buffer as ArrayBuffer);
    return false;
  } catch {
    return true;
  }
}

function plainArray(
  name: string,
  dataType: Exclude<DataType, 'BYTES'>,
  values: readonly unknown[],
): ArrayBufferView {
  try {
    return arrayOf(dataType, values);
  } catch (error) {
    throw new TypeError(`tensor '${name}' of type ${dataType}: ${(error as Error).message}`);
  }
}

/** Each element with its length before it. */
function textBytes(name: string, data: unknown): { bytes: Uint8Array; count: number } {
  if (!Array.isArray(data)) {
    throw new TypeError(`tensor '${name}' of type BYTES needs an array of texts or of bytes`);
  }
  const elements: readonly unknown[] = data;
  let total = 0;
  elements.forEach((element, index) => {
    if (typeof element === 'string') total += 4 + Buffer.byteLength(element);
    else if (element instanceof Uint8Array) total += 4 + element.byteLength;
    else throw new TypeError(`element ${index} of tensor '${name}' is neither text nor bytes`);
  });
  if (total > tensorBytesMax) {
    throw new RangeError(
      `tensor '${name}' takes ${total} bytes, at most ${tensorBytesMax} are possible`,
    );
  }
  // All of it is written.
  const bytes = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const element of elements as readonly (string | Uint8Array)[]) {
    const start = offset + 4;
    if (typeof element === 'string') offset = start + bytes.write(element, start);
    else {
      bytes.set(element, start);
      offset = start + element.byteLength;
    }
    bytes.writeUInt32LE(offset - start, start - 4);
  }
  return { bytes, count: elements.length };
}
