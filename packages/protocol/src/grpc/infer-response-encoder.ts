import type { ParameterValue } from '../infer/infer-request-message.ts';
import type { InferResponseHead } from '../infer/infer-response-encoder.ts';
import type { Tensor } from '../tensor.ts';
import { TritonError } from '../triton-error.ts';
import { int64Size, textSize, varintSize, WireWriter } from './wire-writer.ts';

/** Data up to this size are copied next to the fields: cheaper than a part of their own. */
const copiedBytesMax = 4096;

/** gRPC's and protobuf's bound for a message. */
const messageBytesMax = 2_147_483_647;

/** What a message of the response side has besides its head and outputs. */
export interface ResponseForm {
  /** Null for a `ModelInferResponse`; else it lies in a `ModelStreamInferResponse` with this error, '' for none. */
  readonly streamError: string | null;
  /** The value of the parameter `triton_final_response`, or null to have none. */
  readonly finalResponse: boolean | null;
  /** True for an output whose data are in shared memory: it goes out without. Null: none is. */
  readonly inSharedMemory: ((index: number) => boolean) | null;
}

/**
 * Writes a `ModelInferResponse`: outputs go into `raw_output_contents`, large ones as parts of their
 * own which are the tensors' own memory.
 *
 * @returns The message in parts.
 * @throws TritonError INVALID_ARG for a message beyond 2^31 - 1 bytes.
 */
export function encodeInferResponseMessage(
  head: InferResponseHead,
  outputs: readonly Tensor[],
  form: ResponseForm,
): Uint8Array[] {
  const { inSharedMemory } = form;
  const parameters = parametersOf(head, form.finalResponse);
  const outputSizes: number[] = [];
  let size = headSize(head) + (parameters === null ? 0 : parametersSize(parameters));
  let parts = 1;
  let separate = 0;
  for (let index = 0; index < outputs.length; index++) {
    const output = outputs[index] as Tensor;
    const outputSize = outputFieldsSize(output);
    outputSizes.push(outputSize);
    size += 1 + varintSize(outputSize) + outputSize;
    const dataSize = inSharedMemory?.(index) === true ? 0 : output.data.byteLength;
    size += 1 + varintSize(dataSize) + dataSize;
    if (dataSize > copiedBytesMax) {
      separate += dataSize;
      parts++;
    }
  }
  if (size > messageBytesMax) throw tooLarge(size);
  const { streamError } = form;
  const prefixSize = streamError === null ? 0 : streamPrefixSize(streamError, size);
  const writer = new WireWriter(prefixSize + size - separate);
  if (streamError !== null) {
    writeStringField(writer, 0x0a, streamError);
    writer.byte(0x12);
    writer.varint(size);
  }
  writeHead(writer, head);
  if (parameters !== null) writeParameters(writer, parameters);
  for (let index = 0; index < outputs.length; index++) {
    writeOutput(writer, outputs[index] as Tensor, outputSizes[index] as number);
  }
  return writeData(writer, outputs, inSharedMemory, parts);
}

function streamPrefixSize(error: string, responseSize: number): number {
  return stringFieldSize(error) + 1 + varintSize(responseSize);
}

function tooLarge(size: number): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `Response has byte size ${size} which exceeds gRPC's byte size limit ${messageBytesMax}.`,
  );
}

type Parameters = ReadonlyMap<string, ParameterValue>;

/** Null for none. */
function parametersOf(head: InferResponseHead, finalResponse: boolean | null): Parameters | null {
  if (finalResponse === null) return head.parameters.size === 0 ? null : head.parameters;
  const final: ParameterValue = { kind: 'bool', value: finalResponse };
  return new Map([...head.parameters, ['triton_final_response', final]]);
}

function stringFieldSize(text: string): number {
  if (text === '') return 0;
  const size = textSize(text);
  return 1 + varintSize(size) + size;
}

function writeStringField(writer: WireWriter, tag: number, text: string): void {
  if (text === '') return;
  writer.byte(tag);
  writer.string(text, textSize(text));
}

function headSize({ modelName, modelVersion, id }: InferResponseHead): number {
  return stringFieldSize(modelName) + stringFieldSize(modelVersion) + stringFieldSize(id);
}

function writeHead(writer: WireWriter, { modelName, modelVersion, id }: InferResponseHead): void {
  writeStringField(writer, 0x0a, modelName);
  writeStringField(writer, 0x12, modelVersion);
  writeStringField(writer, 0x1a, id);
}

function parametersSize(parameters: Parameters): number {
  let size = 0;
  for (const [name, value] of parameters) {
    const entry = entrySize(name, value);
    size += 1 + varintSize(entry) + entry;
  }
  return size;
}

function entrySize(name: string, parameter: ParameterValue): number {
  const value = parameterSize(parameter);
  return stringFieldSize(name) + 1 + varintSize(value) + value;
}

function parameterSize(parameter: ParameterValue): number {
  switch (parameter.kind) {
    case 'bool':
      return 2;
    case 'int':
      return 1 + int64Size(parameter.value);
    case 'string': {
      const size = textSize(parameter.value);
      return 1 + varintSize(size) + size;
    }
    case 'double':
      return 9;
  }
}

function writeParameters(writer: WireWriter, parameters: Parameters): void {
  for (const [name, parameter] of parameters) {
    writer.byte(0x22);
    writer.varint(entrySize(name, parameter));
    writeStringField(writer, 0x0a, name);
    writer.byte(0x12);
    writer.varint(parameterSize(parameter));
    writeParameter(writer, parameter);
  }
}

/** A member of a choice is written also where it has its default. */
function writeParameter(writer: WireWriter, parameter: ParameterValue): void {
  switch (parameter.kind) {
    case 'bool':
      writer.byte(0x08);
      writer.byte(parameter.value ? 1 : 0);
      break;
    case 'int':
      writer.byte(0x10);
      writer.int64(parameter.value);
      break;
    case 'string':
      writer.byte(0x1a);
      writer.string(parameter.value, textSize(parameter.value));
      break;
    case 'double':
      writer.byte(0x21);
      writer.double(parameter.value);
      break;
  }
}

function outputFieldsSize({ name, dataType, shape }: Tensor): number {
  let size = stringFieldSize(name) + 2 + dataType.length;
  if (shape.length > 0) {
    const dims = shapeSize(shape);
    size += 1 + varintSize(dims) + dims;
  }
  return size;
}

function shapeSize(shape: readonly number[]): number {
  let size = 0;
  for (let i = 0; i < shape.length; i++) size += int64Size(shape[i] as number);
  return size;
}

function writeOutput(writer: WireWriter, output: Tensor, size: number): void {
  const { name, dataType, shape } = output;
  writer.byte(0x2a);
  writer.varint(size);
  writeStringField(writer, 0x0a, name);
  writer.byte(0x12);
  writer.string(dataType, dataType.length);
  if (shape.length === 0) return;
  writer.byte(0x1a);
  writer.varint(shapeSize(shape));
  for (let i = 0; i < shape.length; i++) writer.int64(shape[i] as number);
}

/** Appends the outputs' data. @param parts How many parts there are at least. */
function writeData(
  writer: WireWriter,
  outputs: readonly Tensor[],
  inSharedMemory: ((index: number) => boolean) | null,
  parts: number,
): Uint8Array[] {
  const message: Uint8Array[] = [];
  let start = 0;
  for (let index = 0; index < outputs.length; index++) {
    const { data } = outputs[index] as Tensor;
    const size = inSharedMemory?.(index) === true ? 0 : data.byteLength;
    writer.byte(0x32);
    writer.varint(size);
    if (size === 0) continue;
    if (size <= copiedBytesMax) {
      writer.copy(data);
    } else {
      message.push(writer.bytes.subarray(start, writer.at), data);
      start = writer.at;
    }
  }
  if (parts === 1) return [writer.bytes];
  if (start < writer.at) message.push(writer.bytes.subarray(start, writer.at));
  return message;
}
