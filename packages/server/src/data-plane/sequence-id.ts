import { type InferRequestMessage, requestIdPrefix } from '@nereid/protocol';

import type { RequestRules } from './request-rules.ts';

/** Control input types that take a numeric sequence id. */
const numericTypes: ReadonlySet<string> = new Set(['UINT64', 'INT64', 'UINT32', 'INT32']);

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
