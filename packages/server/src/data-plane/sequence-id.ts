import { type InferRequestMessage, requestIdPrefix, TritonError } from '@nereid/protocol';

import type { RequestRules } from './request-rules.ts';

/** Control input types that take a numeric sequence id. */
const numericTypes: ReadonlySet<string> = new Set(['UINT64', 'INT64', 'UINT32', 'INT32']);

/** Bytes of a sequence id that is text. */
const sequenceIdBytesMax = 128;

/** @throws TritonError UNSUPPORTED for a text that is too long to be a sequence id, whatever the model. */
export function refuseLongSequenceId({ parameters: { sequenceId } }: InferRequestMessage): void {
  if (typeof sequenceId !== 'string') return;
  // No character has more than three bytes for each of its UTF-16 units.
  if (sequenceId.length * 3 <= sequenceIdBytesMax) return;
  if (Buffer.byteLength(sequenceId) <= sequenceIdBytesMax) return;
  throw new TritonError(
    'UNSUPPORTED',
    `string correlation ID cannot be longer than ${sequenceIdBytesMax} characters`,
  );
}

/** Says where the kind of the request's sequence id is not the model's; null where it is, or the model has none. */
export function sequenceIdRefusal(
  rules: RequestRules,
  message: InferRequestMessage,
): string | null {
  const rule = rules.sequenceId;
  if (rule === null) return null;
  const text = typeof message.parameters.sequenceId === 'string';
  const fits = text ? rule.dataType === 'BYTES' : numericTypes.has(rule.dataType);
  if (fits) return null;
  return `${requestIdPrefix(message.id)}sequence batching control '${rule.inputName}' data-type is '${text ? 'BYTES' : 'UINT64'}', but model '${rules.modelName}' expects '${rule.dataType}'`;
}
