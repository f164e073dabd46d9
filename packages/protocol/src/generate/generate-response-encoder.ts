import {
  byteString,
  checkedElementCount,
  type InferResponseHead,
  parameterText,
} from '../infer/infer-response-encoder.ts';
import { tensorDataText } from '../infer/tensor-data-text.ts';
import type { Tensor } from '../tensor.ts';

/**
 * A response of the generate extension: one flat JSON object, its members in the order of their names.
 * An output of one element is that element, any other an array of all of them. Of members of one name
 * the first counts: what the response says of itself, then its parameters, then its outputs.
 *
 * @throws TritonError INVALID_ARG for FP16 and BF16, INTERNAL for data that do not fit the shape.
 */
export function encodeGenerateResponse(
  head: InferResponseHead,
  outputs: readonly Tensor[],
): Buffer {
  const members = new Map<string, string>();
  const add = (name: string, text: () => string): void => {
    if (!members.has(name)) members.set(name, text());
  };
  if (head.id !== '') add('id', () => byteString(head.id));
  add('model_name', () => byteString(head.modelName));
  add('model_version', () => byteString(head.modelVersion));
  for (const [name, parameter] of head.parameters) add(name, () => parameterText(parameter));
  for (const output of outputs) add(output.name, () => outputText(output));
  const texts = [...members]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name, text]) => `${byteString(name)}:${text}`);
  return Buffer.from(`{${texts.join(',')}}`, 'latin1');
}

function outputText(output: Tensor): string {
  const count = checkedElementCount(output);
  const elements = tensorDataText(output, count);
  return count === 1 ? elements : `[${elements}]`;
}
