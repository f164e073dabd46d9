import { TritonError } from '../triton-error.ts';

/** A number with a fraction or an exponent, or an integer that 64 bits do not hold. */
export class JsonDouble {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** An array that was checked but not read: where it stands in the text, brackets included. */
export class JsonSpan {
  readonly start: number;
  readonly end: number;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }
}

/** Members in the order of the text; of repeated names the first, as rapidjson finds it. */
export type JsonObject = Map<string, JsonValue>;

/**
 * A value as the reader makes it. A `number` is an integer that is exact as one, a `bigint` an
 * integer of up to 64 bits beyond that: 1 and 1.0 are different things in Triton's JSON.
 */
export type JsonValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | JsonDouble
  | JsonSpan
  | JsonValue[]
  | JsonObject;

const uint64Max = 0xffff_ffff_ffff_ffffn;
const int64Max = 0x7fff_ffff_ffff_ffffn;

/** Absent members and members of what is no object are undefined. */
export function jsonMember(value: JsonValue, name: string): JsonValue | undefined {
  return value instanceof Map ? value.get(name) : undefined;
}

/** The member, which must exist. @throws TritonError INTERNAL with Triton's text, after `context: `. */
export function requiredMember(value: JsonValue, name: string, context: string): JsonValue {
  const member = jsonMember(value, name);
  if (member === undefined) {
    throw accessError(`${context}: attempt to access non-existing object member '${name}'`);
  }
  return member;
}

/** @throws TritonError INTERNAL, as all of these, with the texts of Triton's JSON library. */
export function jsonString(value: JsonValue, context: string): string {
  if (typeof value === 'string') return value;
  throw accessError(`${context}: attempt to access JSON non-string as string`);
}

export function jsonBoolean(value: JsonValue, context: string): boolean {
  if (typeof value === 'boolean') return value;
  throw accessError(`${context}: attempt to access JSON non-boolean as boolean`);
}

/** From 0 to 2^64 - 1. */
export function jsonUint64(value: JsonValue, context: string): number | bigint {
  if (isUint64(value)) return value;
  throw accessError(`${context}: attempt to access JSON non-unsigned-integer as unsigned-integer`);
}

export function isUint64(value: JsonValue): value is number | bigint {
  return (
    (typeof value === 'number' && value >= 0) ||
    (typeof value === 'bigint' && value >= 0n && value <= uint64Max)
  );
}

/** From -2^63 to 2^63 - 1. */
export function isInt64(value: JsonValue): value is number | bigint {
  return typeof value === 'number' || (typeof value === 'bigint' && value <= int64Max);
}

export function accessError(text: string): TritonError {
  return new TritonError('INTERNAL', text);
}
