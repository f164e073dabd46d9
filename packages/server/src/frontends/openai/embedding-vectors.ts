import {
  decodeBytesTensor,
  fromBfloat16Bits,
  fromFloat16Bits,
  parseJson,
  type Tensor,
  TritonError,
} from '@nereid/protocol';
import type { EmbeddingModel } from './embedding-model.ts';

/**
 * The vectors of one answer, one for each text.
 * @throws TritonError INTERNAL for an answer that holds no such.
 */
export function vectorsOf(
  { output, json, name }: EmbeddingModel,
  outputs: readonly Tensor[],
  textCount: number,
): readonly Float32Array[] {
  const tensor = outputs.find((other) => other.name === output.name);
  if (tensor === undefined) throw wrongAnswer(name, `no output '${output.name}'`);
  if (json) return [jsonVector(name, tensor)];
  const values = floatsOf(tensor);
  const size = values.length / textCount;
  if (!Number.isInteger(size) || size === 0) {
    throw wrongAnswer(name, `${values.length} numbers for ${textCount} texts`);
  }
  return Array.from({ length: textCount }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

/** JSON, as vLLM's backend writes it: a list of numbers. */
function jsonVector(name: string, { data, dataType }: Tensor): Float32Array {
  const [text] = dataType === 'BYTES' ? decodeBytesTensor(data) : [];
  try {
    const numbers = text === undefined ? null : parseJson(text);
    if (Array.isArray(numbers) && numbers.every((value) => typeof value === 'number')) {
      return Float32Array.from(numbers);
    }
  } catch {
    // Told below.
  }
  throw wrongAnswer(name, 'no list of numbers');
}

function floatsOf({ data, dataType }: Tensor): Float32Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const read = (size: number, value: (offset: number) => number): Float32Array =>
    Float32Array.from({ length: Math.floor(data.byteLength / size) }, (_, i) => value(i * size));
  switch (dataType) {
    case 'FP64':
      return read(8, (at) => view.getFloat64(at, true));
    case 'FP16':
      return read(2, (at) => fromFloat16Bits(view.getUint16(at, true)));
    case 'BF16':
      return read(2, (at) => fromBfloat16Bits(view.getUint16(at, true)));
    default:
      return read(4, (at) => view.getFloat32(at, true));
  }
}

function wrongAnswer(name: string, what: string): TritonError {
  return new TritonError('INTERNAL', `the model '${name}' answered with ${what}`);
}
