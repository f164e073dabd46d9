import { parseJson, TritonError } from '@nereid/protocol';

/**
 * The JSON of a control request's body.
 * @returns null for an empty body.
 * @throws TritonError INTERNAL with Triton's text where it is no JSON, INVALID_ARG where it is too large.
 */
export function parseRequestJson(body: Uint8Array, inputBytesMax: number): unknown {
  if (body.length === 0) return null;
  if (body.length > inputBytesMax) {
    throw new TritonError('INVALID_ARG', jsonSizeRefusal(body.length, inputBytesMax));
  }
  return parseJson(body);
}

/** Triton's text for JSON beyond `--http-max-input-size`. */
export function jsonSizeRefusal(length: number, inputBytesMax: number): string {
  return `request JSON size of ${length} bytes exceeds the maximum allowed input size of ${inputBytesMax} bytes. Use --http-max-input-size to increase the limit.`;
}

/** The member of a JSON object; undefined where it has none, or is no object. */
export function findMember(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Members in the order of the text, of repeated names the first, as Triton finds it. */
export function memberEntries(object: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(object);
}
