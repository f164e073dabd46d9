import { isUint64, type JsonValue, parseJson, TritonError } from '@nereid/protocol';

/**
 * The JSON of a control request's body.
 * @returns null for an empty body.
 * @throws TritonError INTERNAL with Triton's text where it is no JSON, INVALID_ARG where it is too large.
 */
export function parseRequestJson(body: Uint8Array, inputBytesMax: number): unknown {
  if (body.length === 0) return null;
  refuseLongJson(body, inputBytesMax);
  return parseJson(body);
}

/** @throws TritonError INVALID_ARG for a body beyond `--http-max-input-size`. */
export function refuseLongJson(body: Uint8Array, inputBytesMax: number): void {
  if (body.length <= inputBytesMax) return;
  throw new TritonError('INVALID_ARG', jsonSizeRefusal(body.length, inputBytesMax));
}

/** @throws TritonError INTERNAL with the text of Triton's JSON library, as the others. */
export function textOf(value: JsonValue): string {
  if (typeof value === 'string') return value;
  throw new TritonError('INTERNAL', 'attempt to access JSON non-string as string');
}

export function booleanOf(value: JsonValue): boolean {
  if (typeof value === 'boolean') return value;
  throw new TritonError('INTERNAL', 'attempt to access JSON non-boolean as boolean');
}

/** From 0 to 2^64 - 1. */
export function unsignedOf(value: JsonValue): number | bigint {
  if (isUint64(value)) return value;
  throw new TritonError(
    'INTERNAL',
    'attempt to access JSON non-unsigned-integer as unsigned-integer',
  );
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
