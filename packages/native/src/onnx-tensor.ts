import { type DataType, ELEMENT_TYPE_STRING, elementTypeCode, elementTypeOf } from './data-type.ts';
import {
  addressNumberOf,
  allocateAligned,
  allocateFixed,
  copyMemory,
  keepAlive,
  NativeBlock,
} from './memory.ts';
import { NativeError } from './native-error.ts';
import { callForInt, callForWord, check, type OrtApi } from './ort-api.ts';

/**
 * A tensor: elements in row-major order, little-endian, without padding. BOOL is one byte an element,
 * FP16 and BF16 are two; a BYTES element is its length as four little-endian bytes, then its bytes.
 */
export interface OnnxTensor {
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Type, shape and size of a tensor that is not made of strings. */
export interface TensorLayout {
  readonly elementType: number;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/** What native tensors are made with; owned by the runtime, alive as long as the process. */
export interface TensorContext {
  readonly api: OrtApi;
  /** `OrtAllocator *` of the C heap. */
  readonly allocator: number;
  /** `OrtMemoryInfo *` of CPU memory. */
  readonly memoryInfo: number;
}

/** More than any operator takes; keeps a hostile shape from sizing our blocks. */
const RANK_MAX = 1024;
/** A place to point to where C wants an address and there are no bytes. */
const nothing = new NativeBlock(64);

/** Number of elements of a shape. Throws INVALID_ARGUMENT for what cannot be a shape. */
function elementCountOf(shape: readonly number[]): number {
  if (shape.length > RANK_MAX) {
    throw new NativeError('INVALID_ARGUMENT', `a tensor of rank ${shape.length} is not supported`);
  }
  let count = 1;
  // Without the zeros: the other dimensions must not overflow C's 64 bits either.
  let product = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) {
      throw new NativeError('INVALID_ARGUMENT', `invalid dimension ${dimension} in tensor shape`);
    }
    count *= dimension;
    if (dimension > 0) product *= dimension;
    if (!Number.isSafeInteger(product)) {
      throw new NativeError('INVALID_ARGUMENT', 'tensor has too many elements');
    }
  }
  return count;
}

/** For shapes on their way to C, which copies them during the call. */
const shapeScratch = new NativeBlock(RANK_MAX * 8);

function writeShape(shape: readonly number[]): number {
  for (let index = 0; index < shape.length; index += 1) shapeScratch.write(index, shape[index]!);
  return shapeScratch.address;
}

/** Makes an `OrtValue *` over memory; the caller owns the value and keeps the memory referenced. */
export function createValueOver(
  context: TensorContext,
  layout: TensorLayout,
  address: number,
): number {
  return callForWord(
    context.api,
    context.api.functions.CreateTensorWithDataAsOrtValue,
    context.memoryInfo,
    address === 0 ? nothing.address : address,
    layout.byteLength,
    writeShape(layout.shape),
    layout.shape.length,
    layout.elementType,
  );
}

/** An `OrtValue *` and the memory that it points into (kept by holding this object). */
export interface NativeTensor {
  readonly value: number;
  readonly memory: Uint8Array | null;
}

/**
 * Makes a native tensor of ours. Its memory is the caller's where the address suits the element type;
 * raw bytes out of a message may lie anywhere and are copied then. The caller releases `value`.
 */
export function createInputTensor(context: TensorContext, tensor: OnnxTensor): NativeTensor {
  const elementType = elementTypeCode(tensor.dataType);
  const count = elementCountOf(tensor.shape);
  if (elementType === ELEMENT_TYPE_STRING) {
    return { value: createStringValue(context, tensor, count), memory: null };
  }
  const { byteSize } = elementTypeOf(elementType);
  const byteLength = tensor.data.byteLength;
  if (count * byteSize !== byteLength) {
    throw new NativeError(
      'INVALID_ARGUMENT',
      `tensor of ${count} ${tensor.dataType} elements needs ${count * byteSize} bytes, got ${byteLength}`,
    );
  }
  let memory = tensor.data;
  let address = addressNumberOf(memory);
  if (address % byteSize !== 0) {
    memory = allocateAligned(byteLength);
    memory.set(tensor.data);
    address = addressNumberOf(memory);
  }
  const layout = { elementType, dataType: tensor.dataType, shape: tensor.shape, byteLength };
  return { value: createValueOver(context, layout, address), memory };
}

/**
 * Makes a native tensor of a known layout for a run to write into. The caller releases `value`.
 * @param own Memory of the caller's for it, of the layout's size and alignment.
 */
export function createOutputTensor(
  context: TensorContext,
  layout: TensorLayout,
  own: Uint8Array | null,
): { readonly value: number; readonly memory: Uint8Array } {
  const memory = own ?? allocateFixed(layout.byteLength);
  return { value: createValueOver(context, layout, addressNumberOf(memory)), memory };
}

/** Where the elements of a BYTES tensor begin and end; throws when the bytes are not `count` elements. */
function stringRanges(data: Uint8Array, count: number): Float64Array {
  // Each element takes four bytes at least: refuse before allocating for a count that cannot be.
  if (count * 4 > data.byteLength) throw badStrings(count);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const ranges = new Float64Array(count * 2);
  let position = 0;
  for (let index = 0; index < count; index += 1) {
    if (position + 4 > data.byteLength) throw badStrings(count);
    const start = position + 4;
    position = start + view.getUint32(position, true);
    if (position > data.byteLength) throw badStrings(count);
    ranges[index * 2] = start;
    ranges[index * 2 + 1] = position;
  }
  if (position !== data.byteLength) throw badStrings(count);
  return ranges;
}

function badStrings(count: number): NativeError {
  return new NativeError('INVALID_ARGUMENT', `BYTES data does not hold ${count} elements`);
}

function createStringValue(context: TensorContext, tensor: OnnxTensor, count: number): number {
  const { api, allocator } = context;
  const { functions } = api;
  const ranges = stringRanges(tensor.data, count);
  const value = callForWord(
    api,
    functions.CreateTensorAsOrtValue,
    allocator,
    writeShape(tensor.shape),
    tensor.shape.length,
    ELEMENT_TYPE_STRING,
  );
  try {
    if (count > 0) fillStrings(context, value, tensor.data, ranges);
  } catch (error) {
    functions.ReleaseValue(value);
    throw error;
  }
  return value;
}

/** One call for all strings, unless one of them holds a NUL, which would end it there. */
function fillStrings(
  context: TensorContext,
  value: number,
  data: Uint8Array,
  ranges: Float64Array,
): void {
  const { api } = context;
  const { functions } = api;
  const count = ranges.length / 2;
  const text = allocateFixed(data.byteLength - count * 3);
  const base = addressNumberOf(text);
  const pointers = new NativeBlock(count * 8);
  let position = 0;
  let zeros = false;
  for (let index = 0; index < count; index += 1) {
    const bytes = data.subarray(ranges[index * 2]!, ranges[index * 2 + 1]!);
    zeros ||= bytes.includes(0);
    text.set(bytes, position);
    pointers.write(index, base + position);
    position += bytes.byteLength;
    text[position] = 0;
    position += 1;
  }
  if (!zeros) {
    check(api, functions.FillStringTensor(value, pointers.address, count));
    keepAlive(text, pointers);
    return;
  }
  for (let index = 0; index < count; index += 1) {
    const byteLength = ranges[index * 2 + 1]! - ranges[index * 2]!;
    const target = callForWord(
      api,
      functions.GetResizedStringTensorElementBuffer,
      value,
      index,
      byteLength,
    );
    copyMemory(target, pointers.read(index), byteLength);
  }
  keepAlive(text);
}

/** The value of ONNX_TYPE_TENSOR. */
const ONNX_TYPE_TENSOR = 1;

/**
 * Copies a tensor that ONNX Runtime allocated into memory of ours; the value stays the caller's.
 * Throws NOT_IMPLEMENTED for sequences, maps and element types that no data type of ours can name.
 */
export function readValue(context: TensorContext, value: number, name: string): OnnxTensor {
  const { api } = context;
  const { functions } = api;
  const kind = value === 0 ? 0 : callForInt(api, functions.GetValueType, value);
  if (kind !== ONNX_TYPE_TENSOR || callForInt(api, functions.HasValue, value) === 0) {
    throw new NativeError('NOT_IMPLEMENTED', `output '${name}' is not a tensor`);
  }
  const info = callForWord(api, functions.GetTensorTypeAndShape, value);
  let shape: number[];
  let elementType: number;
  try {
    elementType = callForInt(api, functions.GetTensorElementType, info);
    shape = readDimensions(api, info);
  } finally {
    functions.ReleaseTensorTypeAndShapeInfo(info);
  }
  const { dataType, byteSize, onnxName } = elementTypeOf(elementType);
  if (dataType === null) {
    throw new NativeError(
      'NOT_IMPLEMENTED',
      `output '${name}' has unsupported type tensor(${onnxName})`,
    );
  }
  const count = elementCountOf(shape);
  if (dataType === 'BYTES') return { dataType, shape, data: readStrings(context, value, count) };
  const data = allocateFixed(count * byteSize);
  if (count > 0) {
    const source = callForWord(api, functions.GetTensorMutableData, value);
    copyMemory(addressNumberOf(data), source, data.byteLength);
  }
  return { dataType, shape, data };
}

/** The dimensions of an `OrtTensorTypeAndShapeInfo`; -1 for one that is not known. */
export function readDimensions(api: OrtApi, info: number): number[] {
  const rank = callForWord(api, api.functions.GetDimensionsCount, info);
  if (rank === 0) return [];
  const block = new NativeBlock(rank * 8);
  check(api, api.functions.GetDimensions(info, block.address, rank));
  return Array.from({ length: rank }, (_, index) => block.readInt64(index));
}

function readStrings(context: TensorContext, value: number, count: number): Buffer {
  if (count === 0) return Buffer.alloc(0);
  const { api } = context;
  const { functions } = api;
  const textBytes = callForWord(api, functions.GetStringTensorDataLength, value);
  const text = allocateFixed(Math.max(1, textBytes));
  const offsets = new NativeBlock((count + 1) * 8);
  check(
    api,
    functions.GetStringTensorContent(
      value,
      addressNumberOf(text),
      textBytes,
      offsets.address,
      count,
    ),
  );
  offsets.write(count, textBytes);
  const data = allocateFixed(textBytes + count * 4);
  let position = 0;
  for (let index = 0; index < count; index += 1) {
    const start = offsets.read(index);
    const end = offsets.read(index + 1);
    position = data.writeUInt32LE(end - start, position);
    position += text.copy(data, position, start, end);
  }
  return data;
}
