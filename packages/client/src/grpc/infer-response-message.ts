import { type DataType, isDataType } from '@nereid/protocol/data-types';
import type { ParameterValue } from '../infer-request.ts';
import { InferResult } from '../infer-result.ts';
import { InferenceError, unreadableAnswer } from '../inference-error.ts';
import { Tensor } from '../tensor/tensor.ts';
import { dataOfBytes } from '../tensor/tensor-data.ts';
import { bytesOf, int64Of, textOf, wireFields } from './wire-fields.ts';

/** What a stream answers: a result, or what went wrong with one request. */
export type StreamAnswer =
  | { readonly result: InferResult; readonly error: null }
  | { readonly result: null; readonly error: InferenceError; readonly id: string };

interface OutputHead {
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: readonly number[];
}

/** Reads `ModelInferResponse`. @throws InferenceError INTERNAL for what is none. */
export function inferResponse(message: Uint8Array): InferResult {
  try {
    return readResponse(message);
  } catch (cause) {
    throw unreadableAnswer(cause);
  }
}

/** Reads `ModelStreamInferResponse`: an error in it concerns one request, not the stream. */
export function streamAnswer(message: Uint8Array): StreamAnswer {
  let error = '';
  let result: InferResult | null = null;
  for (const { number, value } of wireFields(message)) {
    if (number === 1) error = textOf(value);
    else if (number === 2) result = inferResponse(bytesOf(value));
  }
  if (error !== '') {
    return {
      result: null,
      error: new InferenceError('UNKNOWN', error, null),
      id: result?.id ?? '',
    };
  }
  return { result: result ?? inferResponse(new Uint8Array()), error: null };
}

function readResponse(message: Uint8Array): InferResult {
  let modelName = '';
  let modelVersion = '';
  let id = '';
  const parameters: Record<string, ParameterValue> = {};
  const heads: OutputHead[] = [];
  const contents: Uint8Array[] = [];
  for (const { number, value } of wireFields(message)) {
    if (number === 1) modelName = textOf(value);
    else if (number === 2) modelVersion = textOf(value);
    else if (number === 3) id = textOf(value);
    else if (number === 4) readParameter(bytesOf(value), parameters);
    else if (number === 5) heads.push(readOutput(bytesOf(value)));
    else if (number === 6) contents.push(bytesOf(value));
  }
  const outputs = new Map<string, Tensor>();
  for (const [index, { name, datatype, shape }] of heads.entries()) {
    const bytes = contents[index];
    if (bytes === undefined) throw new RangeError(`output '${name}' has no data`);
    // An empty entry for elements that there are: they lie in shared memory, and nothing else says so.
    if (bytes.length === 0 && !shape.includes(0)) continue;
    outputs.set(name, new Tensor(datatype, shape, dataOfBytes(datatype, bytes)));
  }
  return new InferResult({ modelName, modelVersion, id, parameters, outputs });
}

function readOutput(message: Uint8Array): OutputHead {
  let name = '';
  let datatype = '';
  const shape: number[] = [];
  for (const { number, value } of wireFields(message)) {
    if (number === 1) name = textOf(value);
    else if (number === 2) datatype = textOf(value);
    else if (number === 3) readShape(value, shape);
  }
  if (!isDataType(datatype)) throw new TypeError(`'${datatype}' is no data type`);
  return { name, datatype, shape };
}

/** Packed, or one dimension a field. */
function readShape(value: number | bigint | Uint8Array, shape: number[]): void {
  if (!(value instanceof Uint8Array)) {
    shape.push(Number(value));
    return;
  }
  let dimension = 0;
  let scale = 1;
  for (const byte of value) {
    dimension += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    shape.push(dimension);
    dimension = 0;
    scale = 1;
  }
}

/** An entry of a map of `InferParameter`. */
function readParameter(entry: Uint8Array, into: Record<string, ParameterValue>): void {
  let name = '';
  let parameter: ParameterValue = false;
  for (const { number, value } of wireFields(entry)) {
    if (number === 1) name = textOf(value);
    else if (number === 2) parameter = parameterValue(bytesOf(value));
  }
  into[name] = parameter;
}

function parameterValue(message: Uint8Array): ParameterValue {
  let parameter: ParameterValue = false;
  for (const { number, value } of wireFields(message)) {
    if (number === 1) parameter = Number(value) !== 0;
    else if (number === 2) parameter = int64Of(value);
    else if (number === 3) parameter = textOf(value);
    else if (number === 4) {
      const bytes = bytesOf(value);
      parameter = new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
    } else if (number === 5 && !(value instanceof Uint8Array)) parameter = value;
  }
  return parameter;
}
