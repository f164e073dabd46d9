import type { BatchInput, DataType, Tensor } from '@nereid/protocol';
import { elementCountOf } from './element-count-of.ts';

/** Both element types of batch inputs have this size. */
const elementBytes = 4;

/**
 * The tensors that a `batch_input` of the configuration stands for, one for each target name, all on
 * the same memory. What the kinds count is Triton's: requests, not rows, except for those of item shapes.
 *
 * @param sourceShapes The source input's shape in each request, batch dimension included.
 * @param take Gives uninitialised memory of so many bytes, aligned to its elements.
 */
export function batchInputTensors(
  batchInput: BatchInput,
  sourceShapes: readonly (readonly number[])[],
  take: (byteLength: number) => Uint8Array,
): Tensor[] {
  const shape = shapeOf(batchInput.kind, sourceShapes);
  const data = take(elementCountOf(shape) * elementBytes);
  const floats = batchInput.data_type === 'TYPE_FP32';
  const { buffer, byteOffset } = data;
  const length = data.byteLength / elementBytes;
  const elements = floats
    ? new Float32Array(buffer, byteOffset, length)
    : new Int32Array(buffer, byteOffset, length);
  fill(elements, batchInput.kind, sourceShapes);
  const dataType: DataType = floats ? 'FP32' : 'INT32';
  return batchInput.target_name.map((name) => ({ name, dataType, shape, data }));
}

function shapeOf(kind: BatchInput['kind'], sources: readonly (readonly number[])[]): number[] {
  switch (kind) {
    case 'BATCH_ELEMENT_COUNT':
    case 'BATCH_ACCUMULATED_ELEMENT_COUNT':
      return [sources.length];
    case 'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO':
      return [sources.length + 1];
    case 'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE':
      return [sources.reduce((most, shape) => Math.max(most, elementCountOf(shape)), 0)];
    case 'BATCH_ITEM_SHAPE':
      return [itemsOf(sources), (sources[0]?.length ?? 1) - 1];
    case 'BATCH_ITEM_SHAPE_FLATTEN':
      return [itemsOf(sources) * ((sources[0]?.length ?? 1) - 1)];
  }
}

function fill(
  elements: Float32Array | Int32Array,
  kind: BatchInput['kind'],
  sources: readonly (readonly number[])[],
): void {
  switch (kind) {
    case 'BATCH_ELEMENT_COUNT':
      elements.set(sources.map(elementCountOf));
      return;
    case 'BATCH_ACCUMULATED_ELEMENT_COUNT':
      accumulate(elements, 0, sources);
      return;
    case 'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO':
      elements[0] = 0;
      accumulate(elements, 1, sources);
      return;
    case 'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE':
      // The shape is all that it tells; what the memory held before is nobody's business.
      elements.fill(0);
      return;
    case 'BATCH_ITEM_SHAPE':
    case 'BATCH_ITEM_SHAPE_FLATTEN':
      repeatItemShapes(elements, sources);
  }
}

function accumulate(
  elements: Float32Array | Int32Array,
  start: number,
  sources: readonly (readonly number[])[],
): void {
  let total = 0;
  for (const [index, shape] of sources.entries()) {
    total += elementCountOf(shape);
    elements[start + index] = total;
  }
}

/** Each item of a request has the request's shape, without the batch dimension. */
function repeatItemShapes(
  elements: Float32Array | Int32Array,
  sources: readonly (readonly number[])[],
): void {
  let offset = 0;
  for (const [items = 0, ...itemShape] of sources) {
    for (let item = 0; item < items; item++) {
      elements.set(itemShape, offset);
      offset += itemShape.length;
    }
  }
}

function itemsOf(sources: readonly (readonly number[])[]): number {
  return sources.reduce((sum, shape) => sum + (shape[0] ?? 0), 0);
}
