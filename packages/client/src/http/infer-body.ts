import {
  type InferInputs,
  type InferOptions,
  isSharedMemory,
  type ParameterValue,
  type RequestedOutput,
  requestParameters,
  sharedMemoryParameters,
} from '../infer-request.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { bytesOfData } from '../tensor/tensor-data.ts';

/** A request's body: JSON, and after it the binary data of its inputs. */
export interface InferBody {
  /** Length of the JSON in bytes; null when there is nothing after it. */
  readonly headerLength: number | null;
  readonly pieces: readonly Uint8Array[];
}

const encoder = new TextEncoder();

/**
 * Writes an inference request as KServe v2 with Triton's binary data extension has it.
 * @throws TypeError for a number that JSON cannot have, when inputs go as JSON.
 */
export function inferBody(inputs: InferInputs, options: InferOptions): InferBody {
  const binary: Uint8Array[] = [];
  const inputTexts = Object.entries(inputs).map(([name, input]) => {
    const head = `{"name":${JSON.stringify(name)},"datatype":"${input.datatype}","shape":[${input.shape}]`;
    if (isSharedMemory(input)) {
      return `${head},"parameters":${parametersText(sharedMemoryParameters(input))}}`;
    }
    if (options.binary === false) return `${head},"data":${dataText(input, name)}}`;
    const bytes = bytesOfData(input.data);
    binary.push(bytes);
    return `${head},"parameters":{"binary_data_size":${bytes.byteLength}}}`;
  });
  const json = encoder.encode(bodyText(inputTexts, options));
  return binary.length === 0
    ? { headerLength: null, pieces: [json] }
    : { headerLength: json.byteLength, pieces: [json, ...binary] };
}

function bodyText(inputTexts: readonly string[], options: InferOptions): string {
  const members: string[] = [];
  if (options.id !== undefined && options.id !== '')
    members.push(`"id":${JSON.stringify(options.id)}`);
  const parameters = requestParameters(options);
  if (options.outputs === undefined) parameters.set('binary_data_output', true);
  if (parameters.size > 0) members.push(`"parameters":${parametersText(parameters)}`);
  members.push(`"inputs":[${inputTexts.join(',')}]`);
  if (options.outputs !== undefined) {
    members.push(`"outputs":[${options.outputs.map(outputText).join(',')}]`);
  }
  return `{${members.join(',')}}`;
}

function outputText(output: string | RequestedOutput): string {
  if (typeof output === 'string') {
    return `{"name":${JSON.stringify(output)},"parameters":{"binary_data":true}}`;
  }
  const { name, classCount, sharedMemory, binary } = output;
  const parameters =
    sharedMemory === undefined
      ? new Map<string, ParameterValue>([['binary_data', binary !== false]])
      : sharedMemoryParameters(sharedMemory);
  if (classCount !== undefined) parameters.set('classification', classCount);
  return `{"name":${JSON.stringify(name)},"parameters":${parametersText(parameters)}}`;
}

function parametersText(parameters: ReadonlyMap<string, ParameterValue>): string {
  const members = [...parameters].map(
    ([name, value]) =>
      `${JSON.stringify(name)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`,
  );
  return `{${members.join(',')}}`;
}

/** Big integers keep all their digits. */
function dataText(tensor: Tensor, name: string): string {
  const { data, datatype } = tensor;
  if (Array.isArray(data)) return JSON.stringify(tensor.strings());
  if (datatype === 'BOOL') return `[${Array.from(data as Uint8Array, (bit) => bit !== 0)}]`;
  if (datatype === 'FP16' || datatype === 'BF16') {
    throw new TypeError(`input '${name}': ${datatype} has no form in JSON; leave binary data on`);
  }
  const numbers = data as ArrayLike<number | bigint>;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] as number | bigint;
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new TypeError(`input '${name}': JSON has no ${value}; leave binary data on`);
    }
  }
  return `[${Array.prototype.join.call(numbers, ',')}]`;
}
