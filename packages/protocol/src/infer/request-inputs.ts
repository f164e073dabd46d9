import { type DataType, elementByteSize } from '../data-type.ts';
import {
  accessError,
  JsonSpan,
  type JsonValue,
  jsonMember,
  jsonString,
  jsonUint64,
  requiredMember,
} from '../json/json-value.ts';
import type { Tensor } from '../tensor.ts';
import { TritonError } from '../triton-error.ts';
import type { BinaryTail } from './binary-tail.ts';
import { cString } from './c-string.ts';
import type { SharedMemoryLookup } from './infer-request-message.ts';
import { readTensorData } from './json-tensor-data.ts';
import { invalidDataType, requestDataType } from './request-data-type.ts';
import { requestIdPrefix } from './request-id-prefix.ts';
import { elementCountOf, shapeText } from './shape-text.ts';
import { readSharedMemoryRange } from './shared-memory-range.ts';

/** An input as the JSON declares it. */
export interface DeclaredInput {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  /** Bytes of binary data that follow the JSON; null where the data are in it, or in shared memory. */
  readonly binaryByteSize: number | null;
}

/** What reading inputs needs to know of its surroundings. */
interface InputContext {
  readonly inputBytesMax: number;
  readonly sharedMemory: SharedMemoryLookup;
}

/**
 * Reads the `inputs` of a request, with their data from wherever these are.
 *
 * @param json the text that `document` was read from.
 * @throws TritonError with the texts and in the order of Triton's HTTP front end, which finishes each
 *   input before it looks at the next.
 */
export function readInputs(
  document: JsonValue,
  json: Buffer,
  requestId: string,
  tail: BinaryTail,
  context: InputContext,
): { declared: readonly DeclaredInput[]; tensors: readonly Tensor[] } {
  const declared: DeclaredInput[] = [];
  const tensors: Tensor[] = [];
  const names = new Set<string>();
  for (const input of requiredArray(document, 'inputs')) {
    checkContentKind(input);
    const name = cString(requiredString(input, 'name'));
    const dataType = requestDataType(cString(requiredString(input, 'datatype')));
    const wideShape = requiredArray(input, 'shape').map(dimension);
    const shape = wideShape.map(Number);
    if (names.has(name)) {
      throw new TritonError(
        'INVALID_ARG',
        `${requestIdPrefix(requestId)}input '${name}' already exists in request`,
      );
    }
    names.add(name);
    const parameters = jsonMember(input, 'parameters') ?? null;
    const size = jsonMember(parameters, 'binary_data_size');
    if (size !== undefined) {
      const byteSize = jsonUint64(size, "Unable to parse 'binary_data_size'");
      tensors.push({ name, dataType, shape, data: tail.take(byteSize, name) });
      declared.push({ name, dataType, shape, binaryByteSize: Number(byteSize) });
      continue;
    }
    const range = readSharedMemoryRange(parameters);
    const data =
      range === null
        ? jsonData(input, json, name, dataType, wideShape, context.inputBytesMax)
        : context.sharedMemory(range, 'input', dataType);
    tensors.push({ name, dataType, shape, data });
    declared.push({ name, dataType, shape, binaryByteSize: null });
  }
  return { declared, tensors };
}

function requiredString(value: JsonValue, name: string): string {
  const context = `Unable to parse '${name}'`;
  return jsonString(requiredMember(value, name, context), context);
}

function requiredArray(value: JsonValue, name: string): readonly JsonValue[] {
  const member = requiredMember(value, name, `Unable to parse '${name}'`);
  if (Array.isArray(member)) return member;
  throw accessError(`Unable to parse '${name}': attempt to access JSON non-array as array`);
}

function dimension(value: JsonValue): number | bigint {
  return jsonUint64(value, "Unable to parse 'shape'");
}

/** Exactly one of the three ways to send data. */
function checkContentKind(input: JsonValue): void {
  const parameters = jsonMember(input, 'parameters') ?? null;
  const data = jsonMember(input, 'data') !== undefined;
  const binary = jsonMember(parameters, 'binary_data_size') !== undefined;
  const shared = jsonMember(parameters, 'shared_memory_region') !== undefined;
  if (Number(data) + Number(binary) + Number(shared) === 1) return;
  const set = data || binary || shared ? ' set' : ' no field is set';
  const names = [
    data ? " 'data'" : '',
    binary ? " 'binary_data_size'" : '',
    shared ? " 'shared_memory_region'" : '',
  ].join('');
  throw new TritonError(
    'INVALID_ARG',
    `Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But${set}${names}`,
  );
}

function jsonData(
  input: JsonValue,
  json: Buffer,
  name: string,
  dataType: DataType,
  shape: readonly (number | bigint)[],
  inputBytesMax: number,
): Uint8Array {
  const count = elementCountOf(shape);
  if (count === 0) return new Uint8Array(0);
  if (count === 'invalid') throw shapeError(name, shape, 'contains one or more invalid dimensions');
  if (count === 'overflow') {
    throw shapeError(
      name,
      shape,
      'causes total element count to exceed maximum size of 9223372036854775807',
    );
  }
  const data = jsonMember(input, 'data');
  if (!(data instanceof JsonSpan)) {
    throw accessError("Unable to parse 'data': attempt to access JSON non-array as array");
  }
  if (dataType === 'BYTES') {
    const strings = readTensorData(json, data, dataType, 0);
    refuseTooLarge(name, strings.byteLength, inputBytesMax);
    return strings;
  }
  refuseTooLarge(name, numbersByteSize(name, dataType, count), inputBytesMax);
  if (dataType === 'FP16' || dataType === 'BF16') {
    throw new TritonError(
      'INVALID_ARG',
      `receiving ${dataType} data via JSON is not supported. Please use the binary data format for input ${name}`,
    );
  }
  if (dataType === invalidDataType) {
    throw new TritonError('INVALID_ARG', `invalid datatype for input ${name}`);
  }
  return readTensorData(json, data, dataType, count as number);
}

/** Triton counts -1 elements where a size varies, and takes their bytes for an unsigned number. */
function numbersByteSize(
  name: string,
  dataType: DataType,
  count: number | 'wildcard',
): number | bigint {
  if (dataType === invalidDataType) return 0;
  const elementBytes = elementByteSize(dataType);
  if (count === 'wildcard') return BigInt.asUintN(64, BigInt(-elementBytes));
  if (Number.isSafeInteger(count * elementBytes)) return count * elementBytes;
  const int64Max = 0x7fff_ffff_ffff_ffffn;
  if (elementBytes > 1 && BigInt(count) > int64Max / BigInt(elementBytes)) {
    throw new TritonError(
      'INVALID_ARG',
      `byte size overflow for input '${name}': element count (${BigInt(count)}) * data type size (${elementBytes}) exceeds maximum allowed size (${int64Max})`,
    );
  }
  return count * elementBytes;
}

function refuseTooLarge(name: string, byteSize: number | bigint, bytesMax: number): void {
  if (byteSize <= bytesMax) return;
  throw new TritonError(
    'INVALID_ARG',
    `JSON input '${name}' has a byte_size (${BigInt(byteSize)} bytes) that exceeds the maximum allowed value of ${bytesMax} bytes. Use --http-max-input-size to increase the limit.`,
  );
}

function shapeError(
  name: string,
  shape: readonly (number | bigint)[],
  problem: string,
): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `invalid shape for input '${name}': shape ${shapeText(shape)} ${problem}`,
  );
}
