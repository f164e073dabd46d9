import { type DataType, encodeBytesTensor, type Tensor, TritonError } from '@nereid/protocol';
import type { TensorSlot } from './text-model.ts';

type Writer = (value: number | bigint) => Uint8Array;

/** One element in wire form; types that no parameter has are left out. */
const writers: Readonly<Partial<Record<DataType, Writer>>> = {
  BOOL: (value) => Uint8Array.of(Number(value) === 0 ? 0 : 1),
  INT8: (value) => bytesOf(Int8Array.of(Number(value))),
  INT16: (value) => bytesOf(Int16Array.of(Number(value))),
  INT32: (value) => bytesOf(Int32Array.of(Number(value))),
  INT64: (value) => bytesOf(BigInt64Array.of(BigInt(value))),
  UINT8: (value) => Uint8Array.of(Number(value)),
  UINT16: (value) => bytesOf(Uint16Array.of(Number(value))),
  UINT32: (value) => bytesOf(Uint32Array.of(Number(value))),
  UINT64: (value) => bytesOf(BigUint64Array.of(BigInt(value))),
  FP32: (value) => bytesOf(Float32Array.of(Number(value))),
  FP64: (value) => bytesOf(Float64Array.of(Number(value))),
};

/** Strings as an input takes them. @throws TritonError where its shape holds no such number. */
export function stringsTensor(slot: TensorSlot, strings: readonly (string | Uint8Array)[]): Tensor {
  requireType(slot, slot.dataType === 'BYTES');
  return tensorOf(slot, strings.length, encodeBytesTensor(strings));
}

/** A string for each row of a batch. */
export function stringsBatch(slot: TensorSlot, strings: readonly (string | Uint8Array)[]): Tensor {
  const [, ...dims] = slot.shape;
  const row = { ...slot, shape: dims };
  const { shape } = stringsTensor(row, [strings[0] ?? '']);
  return { ...stringsTensor({ ...slot, shape: [-1] }, strings), shape: [strings.length, ...shape] };
}

/** Bytes as an input of type UINT8 takes them. */
export function bytesTensor(slot: TensorSlot, bytes: Uint8Array): Tensor {
  requireType(slot, slot.dataType === 'UINT8');
  return tensorOf(slot, bytes.length, bytes);
}

/** Numbers, or a boolean, as an input takes them: rounded where it takes integers only. */
export function numbersTensor(
  slot: TensorSlot,
  values: readonly (number | bigint | boolean)[],
): Tensor {
  const write = writers[slot.dataType];
  requireType(slot, write !== undefined);
  const elements = values.map((value) => (write as Writer)(integral(slot, value)));
  return tensorOf(slot, values.length, Buffer.concat(elements));
}

function integral({ dataType }: TensorSlot, value: number | bigint | boolean): number | bigint {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'bigint' || dataType.startsWith('FP') ? value : Math.round(value);
}

function tensorOf({ name, dataType, shape }: TensorSlot, count: number, data: Uint8Array): Tensor {
  return { name, dataType, shape: filledShape(name, shape, count), data };
}

/** The innermost dimension of any size takes all elements, as with Triton's generate endpoints; it may be that of the batch. */
function filledShape(name: string, shape: readonly number[], count: number): readonly number[] {
  const innermost = shape.lastIndexOf(-1);
  const fixed = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const filled = shape.map((size, at) =>
    size !== -1 ? size : at === innermost ? count / fixed : 1,
  );
  if (filled.reduce((product, size) => product * size, 1) === count) return filled;
  throw new TritonError(
    'INVALID_ARG',
    `input '${name}' of shape [${shape.join(',')}] does not hold ${count} elements`,
  );
}

function requireType({ name, dataType }: TensorSlot, right: boolean): void {
  if (right) return;
  throw new TritonError('INVALID_ARG', `input '${name}' has type ${dataType}, which is not filled`);
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
