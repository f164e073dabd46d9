import {
  type InferInputs,
  type InferOptions,
  isSharedMemory,
  type ParameterValue,
  type RequestedOutput,
  requestParameters,
  sharedMemoryParameters,
} from '../infer-request.ts';
import { bytesOfData } from '../tensor/tensor-data.ts';
import { WireBytes } from './wire-bytes.ts';

/** Inputs up to this size are copied into the message; larger ones are sent from where they lie. */
const copiedBytesMax = 16 * 1024;

/** `ModelInferRequest`, in pieces that are sent one after the other. */
export function inferMessage(
  model: string,
  inputs: InferInputs,
  options: InferOptions,
): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let message = new WireBytes();
  message.textField(1, model);
  if (options.version !== undefined) message.textField(2, String(options.version));
  if (options.id !== undefined) message.textField(3, options.id);
  writeParameters(message, 4, requestParameters(options));
  const data: Uint8Array[] = [];
  for (const [name, input] of Object.entries(inputs)) {
    message.messageField(5, (field) => {
      field.textField(1, name);
      field.textField(2, input.datatype);
      field.messageField(3, (dimensions) => {
        for (const dimension of input.shape) dimensions.varint(dimension);
      });
      if (isSharedMemory(input)) writeParameters(field, 4, sharedMemoryParameters(input));
    });
    if (!isSharedMemory(input)) data.push(bytesOfData(input.data));
  }
  for (const output of options.outputs ?? []) {
    message.messageField(6, (field) => writeOutput(field, output));
  }
  for (const bytes of data) {
    if (bytes.byteLength <= copiedBytesMax) message.bytesField(7, bytes);
    else {
      message.lengthField(7, bytes.byteLength);
      pieces.push(message.written, bytes);
      message = new WireBytes();
    }
  }
  if (message.written.length > 0) pieces.push(message.written);
  return pieces;
}

function writeOutput(field: WireBytes, output: string | RequestedOutput): void {
  const { name, classCount, sharedMemory } = typeof output === 'string' ? { name: output } : output;
  field.textField(1, name);
  const parameters =
    sharedMemory === undefined
      ? new Map<string, ParameterValue>()
      : sharedMemoryParameters(sharedMemory);
  if (classCount !== undefined) parameters.set('classification', classCount);
  writeParameters(field, 2, parameters);
}

/** A map field of `InferParameter`. */
function writeParameters(
  message: WireBytes,
  number: number,
  parameters: ReadonlyMap<string, ParameterValue>,
): void {
  for (const [name, value] of parameters) {
    message.messageField(number, (entry) => {
      entry.textField(1, name);
      entry.messageField(2, (parameter) => writeParameter(parameter, name, value));
    });
  }
}

function writeParameter(parameter: WireBytes, name: string, value: ParameterValue): void {
  if (typeof value === 'boolean') parameter.varintField(1, value ? 1 : 0);
  else if (typeof value === 'string') parameter.textField(3, value);
  // Triton reads the priority as an unsigned number.
  else if (name === 'priority' || value > 0x7fff_ffff_ffff_ffffn) parameter.varintField(5, value);
  else if (typeof value === 'number' && !Number.isInteger(value)) parameter.doubleField(4, value);
  else parameter.varintField(2, value);
}
