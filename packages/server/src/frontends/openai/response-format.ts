import { jsonText } from './json-text.ts';
import { RequestError } from './request-error.ts';
import type { RequestFields } from './request-fields.ts';

/** What a model's text has to be. */
export interface Guide {
  /** The member of the request that asks for it. */
  readonly param: string;
  /** A JSON schema as text; null for any JSON. */
  readonly schema: string | null;
}

/** Reads `response_format`. @throws RequestError */
export function readResponseFormat(fields: RequestFields): Guide | null {
  const format = fields.object('response_format');
  if (format === null) return null;
  const param = 'response_format';
  const type = format.requiredText('type');
  if (type === 'text') return null;
  if (type === 'json_object') return { param, schema: null };
  if (type !== 'json_schema') {
    const text = `Invalid value for 'response_format.type': expected 'text', 'json_object' or 'json_schema'.`;
    throw new RequestError(text, 'response_format.type', 'invalid_value');
  }
  return { param, schema: jsonText(format.object('json_schema')?.value('schema') ?? {}) };
}
