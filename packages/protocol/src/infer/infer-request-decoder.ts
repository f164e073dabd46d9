import { type DataType, elementByteSize, isDataType } from '../data-type.ts';
import { JsonReader } from '../json/json-reader.ts';
import {
  accessError,
  JsonSpan,
  type JsonValue,
  jsonBoolean,
  jsonMember,
  jsonString,
  jsonUint64,
  requiredMember,
} from '../json/json-value.ts';
import type { Tensor } from '../tensor.ts';
import { TritonError } from '../triton-error.ts';
import { HeaderCache } from './header-cache.ts';
import type {
  InferRequestMessage,
  RequestedOutput,
  SharedMemoryRange,
} from './infer-request-message.ts';
import { defaultRequestParameters } from './infer-request-message.ts';
import { readTensorData } from './json-tensor-data.ts';
import { readRequestParameters } from './request-parameters.ts';
import { elementCountOf, shapeText } from './shape-text.ts';

export interface InferRequestContext {
  /** For the texts of errors. */
  readonly modelName: string;
  /** Largest JSON part, and largest tensor made of JSON, in bytes. */
  readonly inputBytesMax: number;
  /** Called for every use of a shared-memory region; throws where it is not allowed or not there. */
  readonly sharedMemory: (range: SharedMemoryRange) => Uint8Array;
}

/** What the JSON part says of a request, without the binary data that follows it. */
interface RequestHeader {
  readonly id: string;
  readonly parameters: InferRequestMessage['parameters'];
  readonly inputs: readonly HeaderInput[];
  readonly outputs: readonly RequestedOutput[];
  /** True when nothing in it depends on anything but the header's bytes: it may be remembered. */
  readonly repeatable: boolean;
}

type HeaderInput =
  | { readonly kind: 'data'; readonly tensor: Tensor }
  | {
      readonly kind: 'binary';
      readonly name: string;
      readonly dataType: DataType;
      readonly shape: readonly number[];
      readonly byteSize: number;
    };

/** What Triton calls a data type that it does not know; no model has it, so it never gets far. */
const invalidDataType = '<invalid>' as DataType;

const headers = new HeaderCache<RequestHeader>();

/**
 * Reads an inference request of the HTTP protocol: JSON, then the binary data of the inputs that
 * declare it, in their order.
 *
 * @param headerLength bytes of JSON at the start of the body; 0 for a raw request, which is all data.
 * @throws TritonError with the texts and in the order of Triton's HTTP front end.
 */
export function decodeInferRequest(
  body: Uint8Array,
  headerLength: number,
  context: InferRequestContext,
): InferRequestMessage {
  if (headerLength === 0) return rawRequest(body, context);
  if (headerLength > context.inputBytesMax) {
    throw new TritonError(
      'INVALID_ARG',
      `request JSON size of ${headerLength} bytes exceeds the maximum allowed input size of ${context.inputBytesMax} bytes. Use --http-max-input-size to increase the limit.`,
    );
  }
  const header = headerLength < body.byteLength ? headers.find(body, headerLength) : null;
  if (header !== null) return withBinaryData(header, body, headerLength, context.modelName);
  const json = body.subarray(0, headerLength);
  const read = readHeader(json, context);
  if (read.repeatable && headerLength < body.byteLength) headers.remember(json, read);
  return withBinaryData(read, body, headerLength, context.modelName);
}

function rawRequest(body: Uint8Array, context: InferRequestContext): InferRequestMessage {
  if (body.byteLength > context.inputBytesMax) {
    throw new TritonError(
      'INVALID_ARG',
      `Raw input has a byte_size (${body.byteLength} bytes) that exceeds the maximum allowed value of ${context.inputBytesMax} bytes. Use --http-max-input-size to increase the limit.`,
    );
  }
  return {
    id: '',
    parameters: { ...defaultRequestParameters, binaryDataOutput: true },
    inputs: [],
    rawInput: body,
    outputs: [],
  };
}

function withBinaryData(
  header: RequestHeader,
  body: Uint8Array,
  headerLength: number,
  modelName: string,
): InferRequestMessage {
  const inputs: Tensor[] = [];
  let offset = headerLength;
  for (const input of header.inputs) {
    if (input.kind === 'data') {
      inputs.push(input.tensor);
      continue;
    }
    const { name, dataType, shape, byteSize } = input;
    const missing = byteSize - (body.byteLength - offset);
    if (missing > 0) {
      throw new TritonError(
        'INVALID_ARG',
        `unexpected size for input '${name}', expecting ${missing} additional bytes for model '${modelName}'`,
      );
    }
    inputs.push({ name, dataType, shape, data: body.subarray(offset, offset + byteSize) });
    offset += byteSize;
  }
  if (offset !== body.byteLength) {
    throw new TritonError(
      'INVALID_ARG',
      `unexpected additional input data for model '${modelName}'`,
    );
  }
  const { id, parameters, outputs } = header;
  return { id, parameters, inputs, rawInput: null, outputs };
}

function readHeader(json: Uint8Array, context: InferRequestContext): RequestHeader {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const document = new JsonReader(bytes, 'data').read();
  const idMember = jsonMember(document, 'id');
  const id = idMember === undefined ? '' : jsonString(idMember, "Unable to parse 'id'");
  const parameters = readRequestParameters(jsonMember(document, 'parameters'));
  const list = requiredArray(document, 'inputs');
  const inputs: HeaderInput[] = [];
  const names = new Set<string>();
  for (const element of list) inputs.push(readInput(element, bytes, id, names, context));
  const outputs = readOutputs(jsonMember(document, 'outputs'), context);
  return {
    id,
    parameters,
    inputs,
    outputs,
    repeatable:
      inputs.every((input) => input.kind === 'binary') &&
      outputs.every((output) => output.sharedMemory === null),
  };
}

function requiredArray(document: JsonValue, name: string): readonly JsonValue[] {
  const value = requiredMember(document, name, `Unable to parse '${name}'`);
  if (Array.isArray(value)) return value;
  throw accessError(`Unable to parse '${name}': attempt to access JSON non-array as array`);
}

function readInput(
  input: JsonValue,
  bytes: Buffer,
  requestId: string,
  names: Set<string>,
  context: InferRequestContext,
): HeaderInput {
  checkContentKind(input);
  const name = jsonString(
    requiredMember(input, 'name', "Unable to parse 'name'"),
    "Unable to parse 'name'",
  );
  const typeName = jsonString(
    requiredMember(input, 'datatype', "Unable to parse 'datatype'"),
    "Unable to parse 'datatype'",
  );
  const dataType = isDataType(typeName) ? typeName : invalidDataType;
  const wideShape = requiredArray(input, 'shape').map((dim) =>
    jsonUint64(dim, "Unable to parse 'shape'"),
  );
  const shape = wideShape.map(Number);
  if (names.has(name)) {
    const id = requestId === '' ? '<id_unknown>' : requestId;
    throw new TritonError(
      'INVALID_ARG',
      `[request id: ${id}] input '${name}' already exists in request`,
    );
  }
  names.add(name);
  const parameters = jsonMember(input, 'parameters') ?? null;
  const binarySize = jsonMember(parameters, 'binary_data_size');
  if (binarySize !== undefined) {
    const byteSize = Number(jsonUint64(binarySize, "Unable to parse 'binary_data_size'"));
    return { kind: 'binary', name, dataType, shape, byteSize };
  }
  const range = sharedMemoryRange(parameters);
  const data =
    range !== null
      ? context.sharedMemory(range)
      : jsonData(input, bytes, name, dataType, wideShape, context);
  return { kind: 'data', tensor: { name, dataType, shape, data } };
}

/** Exactly one of the three ways to send data. */
function checkContentKind(input: JsonValue): void {
  const parameters = jsonMember(input, 'parameters') ?? null;
  const set: string[] = [];
  if (jsonMember(input, 'data') !== undefined) set.push("'data'");
  if (jsonMember(parameters, 'binary_data_size') !== undefined) set.push("'binary_data_size'");
  if (jsonMember(parameters, 'shared_memory_region') !== undefined) {
    set.push("'shared_memory_region'");
  }
  if (set.length === 1) return;
  throw new TritonError(
    'INVALID_ARG',
    `Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But${set.length === 0 ? ' no field is set' : ` set ${set.join(' ')}`}`,
  );
}

function jsonData(
  input: JsonValue,
  bytes: Buffer,
  name: string,
  dataType: DataType,
  shape: readonly (number | bigint)[],
  context: InferRequestContext,
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
    const strings = readTensorData(bytes, data, dataType, 0);
    refuseTooLarge(name, strings.byteLength, context.inputBytesMax);
    return strings;
  }
  if (dataType === 'FP16' || dataType === 'BF16') {
    throw new TritonError(
      'INVALID_ARG',
      `receiving ${dataType} data via JSON is not supported. Please use the binary data format for input ${name}`,
    );
  }
  if (dataType === invalidDataType) {
    throw new TritonError('INVALID_ARG', `invalid datatype for input ${name}`);
  }
  refuseTooLarge(name, count * elementByteSize(dataType), context.inputBytesMax);
  return readTensorData(bytes, data, dataType, count);
}

function refuseTooLarge(name: string, byteSize: number, bytesMax: number): void {
  if (byteSize <= bytesMax) return;
  throw new TritonError(
    'INVALID_ARG',
    `JSON input '${name}' has a byte_size (${byteSize} bytes) that exceeds the maximum allowed value of ${bytesMax} bytes. Use --http-max-input-size to increase the limit.`,
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

function sharedMemoryRange(parameters: JsonValue): SharedMemoryRange | null {
  const region = jsonMember(parameters, 'shared_memory_region');
  if (region === undefined) return null;
  const size = (name: string): number => {
    const value = jsonMember(parameters, name);
    return value === undefined ? 0 : Number(jsonUint64(value, `Unable to parse '${name}'`));
  };
  return {
    region: jsonString(region, "Unable to parse 'shared_memory_region'"),
    offset: size('shared_memory_offset'),
    byteSize: size('shared_memory_byte_size'),
  };
}

function readOutputs(
  value: JsonValue | undefined,
  context: InferRequestContext,
): readonly RequestedOutput[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw accessError("Unable to parse 'outputs': attempt to access JSON non-array as array");
  }
  // Naming an output twice is the same as naming it once.
  const outputs = new Map<string, RequestedOutput>();
  for (const element of value) {
    const output = readOutput(element, context);
    if (!outputs.has(output.name)) outputs.set(output.name, output);
  }
  return [...outputs.values()];
}

function readOutput(output: JsonValue, context: InferRequestContext): RequestedOutput {
  const parameters = jsonMember(output, 'parameters') ?? null;
  const classes = jsonMember(parameters, 'classification');
  const binaryMember = jsonMember(parameters, 'binary_data');
  const shared = jsonMember(parameters, 'shared_memory_region') !== undefined;
  if (shared && classes !== undefined) throw bothError('classification');
  if (
    shared &&
    binaryMember !== undefined &&
    jsonBoolean(binaryMember, "Unable to set 'binary_data'")
  ) {
    throw bothError('binary_data');
  }
  const name = jsonString(
    requiredMember(output, 'name', "Unable to parse 'name'"),
    "Unable to parse 'name'",
  );
  const classificationCount =
    classes === undefined ? 0 : Number(jsonUint64(classes, "Unable to set 'classification'"));
  const sharedMemory = sharedMemoryRange(parameters);
  if (sharedMemory !== null) context.sharedMemory(sharedMemory);
  const binary =
    sharedMemory === null &&
    binaryMember !== undefined &&
    jsonBoolean(binaryMember, "Unable to parse 'binary_data'");
  return { name, binary, classificationCount, sharedMemory };
}

function bothError(other: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `Output can't set both 'shared_memory_region' and '${other}'`,
  );
}
