import { elementByteSize, requestIdPrefix, type Tensor, TritonError } from '@nereid/protocol';
import type { RequestRules } from './request-rules.ts';

/** What Triton's texts call the input of a raw request. */
export const rawInputName = 'raw_input';

/**
 * Makes the one input of a raw binary request, its shape deduced from the configuration: batch 1, at
 * most one size that varies, taken from the number of bytes.
 *
 * @throws TritonError INVALID_ARG where that cannot be done, with Triton's texts.
 */
export function rawInputTensor(rules: RequestRules, data: Uint8Array, id: string): Tensor {
  const [rule] = rules.inputs;
  const prefix = requestIdPrefix(id);
  if (rule === undefined || rules.inputs.length !== 1) {
    throw new TritonError(
      'INVALID_ARG',
      `${prefix}Raw request must only have 1 input (found 1) to be deduced but got ${rules.inputs.length} inputs in '${rules.modelName}' model configuration`,
    );
  }
  const varying = rule.dims.filter((dim) => dim === -1).length;
  if (varying > 1) {
    throw new TritonError(
      'INVALID_ARG',
      `${prefix}The shape of the raw input '${rule.name}' can not be deduced because there are more than one variable-sized dimension`,
    );
  }
  const fixedCount = rule.dims.reduce((count, dim) => (dim === -1 ? count : count * dim), 1);
  const batch = rules.maxBatchSize > 0 ? [1] : [];
  if (rule.dataType === 'BYTES') {
    if (varying > 0 || fixedCount !== 1) {
      throw new TritonError(
        'INVALID_ARG',
        `${prefix}For BYTE datatype raw input '${rule.name}', the model must have input shape [1]`,
      );
    }
    const shape = [...batch, ...rule.dims];
    return { name: rule.name, dataType: 'BYTES', shape, data: withLengthPrefix(data) };
  }
  const deduced = Math.floor(data.byteLength / fixedCount / elementByteSize(rule.dataType));
  const dims = rule.dims.map((dim) => (dim === -1 ? deduced : dim));
  return { name: rule.name, dataType: rule.dataType, shape: [...batch, ...dims], data };
}

/** The form that a string element has inside a BYTES tensor. */
function withLengthPrefix(data: Uint8Array): Uint8Array {
  const prefixed = Buffer.allocUnsafe(4 + data.byteLength);
  prefixed.writeUInt32LE(data.byteLength);
  prefixed.set(data, 4);
  return prefixed;
}
