import { elementByteSize } from '../data-type.ts';
import { jsonDoubleText, jsonStringLiteral } from '../json/json-text.ts';
import type { Tensor } from '../tensor.ts';
import { TritonError } from '../triton-error.ts';
import type { ParameterValue } from './infer-request-message.ts';
import { tensorDataText } from './tensor-data-text.ts';

/** How one output is sent. */
export type OutputForm = 'json' | 'binary' | 'shared-memory';

/** What goes into a response's JSON besides its outputs. */
export interface InferResponseHead {
  readonly modelName: string;
  readonly modelVersion: string;
  /** '' for none. */
  readonly id: string;
  readonly parameters: ReadonlyMap<string, ParameterValue>;
}

/** A response in wire form. */
export interface EncodedInferResponse {
  /** `application/octet-stream` where binary data follows the JSON. */
  readonly contentType: 'application/json' | 'application/octet-stream';
  /** Bytes of JSON, for Inference-Header-Content-Length; null where JSON is all there is. */
  readonly headerLength: number | null;
  /** The JSON, then the binary outputs: views of the tensors' own memory. */
  readonly parts: readonly Uint8Array[];
}

/**
 * Writes a response as Triton does, member by member in its order. The text is put together as one
 * string of bytes (latin1), so that BYTES elements pass through whatever they hold.
 *
 * @param formOf how to send each output.
 * @throws TritonError INVALID_ARG for FP16 and BF16 as JSON, INTERNAL for data that do not fit the shape.
 */
export function encodeInferResponse(
  head: InferResponseHead,
  outputs: readonly Tensor[],
  formOf: (index: number) => OutputForm,
): EncodedInferResponse {
  let json = headText(head);
  let separator = '';
  let binary: Uint8Array[] | null = null;
  for (let index = 0; index < outputs.length; index++) {
    const output = outputs[index] as Tensor;
    json += `${separator}{"name":${byteString(output.name)},"datatype":"${output.dataType}","shape":[${output.shape.join(',')}]`;
    const form = formOf(index);
    if (form === 'binary') {
      const { data } = output;
      json += `,"parameters":{"binary_data_size":${data.byteLength}}}`;
      if (data.byteLength > 0) {
        binary ??= [];
        binary.push(data);
      }
    } else if (form === 'json') {
      json += `,"data":[${tensorDataText(output, checkedElementCount(output))}]}`;
    } else {
      json += '}';
    }
    separator = ',';
  }
  const text = Buffer.from(`${json}]}`, 'latin1');
  if (binary === null) {
    return { contentType: 'application/json', headerLength: null, parts: [text] };
  }
  binary.unshift(text);
  return { contentType: 'application/octet-stream', headerLength: text.byteLength, parts: binary };
}

function headText({ modelName, modelVersion, id, parameters }: InferResponseHead): string {
  let json = id === '' ? '{' : `{"id":${byteString(id)},`;
  json += `"model_name":${byteString(modelName)},"model_version":"${modelVersion}"`;
  if (parameters.size > 0) json += `,"parameters":${parametersText(parameters)}`;
  return `${json},"outputs":[`;
}

function parametersText(parameters: ReadonlyMap<string, ParameterValue>): string {
  const members: string[] = [];
  for (const [name, parameter] of parameters) {
    members.push(`${byteString(name)}:${parameterText(parameter)}`);
  }
  return `{${members.join(',')}}`;
}

/** A parameter's value in a text whose characters are bytes. */
export function parameterText(parameter: ParameterValue): string {
  switch (parameter.kind) {
    case 'string':
      return byteString(parameter.value);
    case 'double':
      return jsonDoubleText(parameter.value);
    default:
      return String(parameter.value);
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: tells ASCII from the rest
const ascii = /^[\u0000-\u007f]*$/u;

/** A JSON string whose characters are bytes of UTF-8. */
export function byteString(text: string): string {
  return jsonStringLiteral(ascii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1'));
}

/** @throws TritonError for a tensor that has no JSON form, or whose data do not fit its shape. */
export function checkedElementCount({ name, dataType, shape, data }: Tensor): number {
  if (dataType === 'FP16' || dataType === 'BF16') {
    throw new TritonError(
      'INVALID_ARG',
      `sending ${dataType} data via JSON is not supported. Please use the binary data format for output`,
    );
  }
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (dataType !== 'BYTES' && count * elementByteSize(dataType) !== data.byteLength) {
    throw new TritonError(
      'INTERNAL',
      `Failed to write 'data' field: output tensor shape does not match size of output for '${name}'`,
    );
  }
  return count;
}
