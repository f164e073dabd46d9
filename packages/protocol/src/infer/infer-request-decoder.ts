import { JsonReader } from '../json/json-reader.ts';
import { jsonMember, jsonString } from '../json/json-value.ts';
import type { Tensor } from '../tensor.ts';
import { TritonError } from '../triton-error.ts';
import { BinaryTail } from './binary-tail.ts';
import { cString } from './c-string.ts';
import { HeaderCache } from './header-cache.ts';
import type {
  InferRequestMessage,
  RequestedOutput,
  SharedMemoryLookup,
} from './infer-request-message.ts';
import { defaultRequestParameters } from './infer-request-message.ts';
import { type DeclaredInput, readInputs } from './request-inputs.ts';
import { readRequestedOutputs } from './request-outputs.ts';
import { readRequestParameters } from './request-parameters.ts';

export interface InferRequestContext {
  /** For the texts of errors. */
  readonly modelName: string;
  /** Largest JSON part, and largest tensor made of JSON, in bytes. */
  readonly inputBytesMax: number;
  readonly sharedMemory: SharedMemoryLookup;
}

/** What a JSON part says whose inputs are all binary: the same for every request with these bytes. */
interface RepeatableHeader {
  readonly id: string;
  readonly parameters: InferRequestMessage['parameters'];
  readonly inputs: readonly DeclaredInput[];
  readonly outputs: readonly RequestedOutput[];
}

const headers = new HeaderCache<RepeatableHeader>();

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
  if (headerLength < body.byteLength) {
    const header = headers.find(body, headerLength);
    if (header !== null) return repeatedRequest(header, body, headerLength, context.modelName);
  }
  return newRequest(body, headerLength, context);
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

function repeatedRequest(
  header: RepeatableHeader,
  body: Uint8Array,
  headerLength: number,
  modelName: string,
): InferRequestMessage {
  const tail = new BinaryTail(body, headerLength, modelName);
  const inputs: Tensor[] = [];
  for (const { name, dataType, shape, binaryByteSize } of header.inputs) {
    inputs.push({ name, dataType, shape, data: tail.take(binaryByteSize as number, name) });
  }
  tail.end();
  const { id, parameters, outputs } = header;
  return { id, parameters, inputs, rawInput: null, outputs };
}

function newRequest(
  body: Uint8Array,
  headerLength: number,
  context: InferRequestContext,
): InferRequestMessage {
  const json = Buffer.from(body.buffer, body.byteOffset, headerLength);
  const document = new JsonReader(json, 'data').read();
  const idMember = jsonMember(document, 'id');
  const id = idMember === undefined ? '' : cString(jsonString(idMember, "Unable to parse 'id'"));
  const parameters = readRequestParameters(jsonMember(document, 'parameters'));
  const tail = new BinaryTail(body, headerLength, context.modelName);
  const { declared, tensors } = readInputs(document, json, id, tail, context);
  tail.end();
  const outputs = readRequestedOutputs(jsonMember(document, 'outputs'), context);
  if (
    headerLength < body.byteLength &&
    declared.every(({ binaryByteSize }) => binaryByteSize !== null) &&
    outputs.every(({ sharedMemory }) => sharedMemory === null)
  ) {
    headers.remember(json, { id, parameters, inputs: declared, outputs });
  }
  return { id, parameters, inputs: tensors, rawInput: null, outputs };
}
