import protobuf from 'protobufjs/light.js';
import type { FieldSpec, MessageSpec } from '../message-schema.ts';
import { defaultOf, type FieldPath, type MessageValue, plainDefault } from './message-value.ts';
import { ModelConfigValueError } from './model-config-error.ts';

/** A 64-bit integer as protobuf.js hands it over: a Long object, or a number. */
interface LongLike {
  toString(): string;
}

/**
 * A decoded protobuf.js message as plain data of the configuration.
 * @throws ModelConfigValueError for an int64 beyond 2^53 - 1 and for an unknown enumerator.
 */
export function fromProtobuf(spec: MessageSpec, message: object, path: FieldPath): MessageValue {
  const source = message as MessageValue;
  const value: MessageValue = {};
  for (const field of spec.fields) {
    const present = Object.hasOwn(source, field.name) && source[field.name] != null;
    value[field.name] = present
      ? fieldFrom(field, source[field.name], [...path, field.name])
      : defaultOf(field);
  }
  return value;
}

function fieldFrom(field: FieldSpec, source: unknown, path: FieldPath): unknown {
  if (field.rule === 'repeated') {
    return (source as unknown[]).map((item, index) => singleFrom(field, item, [...path, index]));
  }
  if (field.rule === 'map') {
    return new Map(
      Object.entries(source as object).map(([key, item]) => {
        // A decoded 64-bit key is the 8 characters of its bytes; read from text it is its digits.
        const digits = protobuf.util.longFromKey(key, true);
        const mapKey = field.keyType === 'uint64' ? String(digits) : key;
        return [mapKey, singleFrom(field, item, [...path, mapKey])];
      }),
    );
  }
  return singleFrom(field, source, path);
}

function singleFrom(field: FieldSpec, source: unknown, path: FieldPath): unknown {
  const content = field.content;
  if (content.kind === 'message') return fromProtobuf(content.message, source as object, path);
  if (content.kind === 'enum') {
    const name = content.values[source as number];
    if (name !== undefined) return name;
    throw new ModelConfigValueError(path, `${String(source)} is not a value of ${field.typeName}`);
  }
  switch (content.scalar) {
    case 'int64':
      return exactNumber((source as LongLike).toString(), path);
    case 'uint64':
      return uint64FromDigits((source as LongLike).toString());
    case 'float':
      return Math.fround(source as number);
    default:
      return source;
  }
}

/** A signed 64-bit integer from its decimal digits. */
export function exactNumber(digits: string, path: FieldPath): number {
  const value = Number(digits);
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  throw new ModelConfigValueError(path, `${digits} is outside of ±(2^53 - 1)`);
}

/** An unsigned 64-bit integer from its decimal digits: a bigint where a number would not be exact. */
export function uint64FromDigits(digits: string): number | bigint {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits);
}

/** The configuration's plain data as the object that protobuf.js encodes. Defaults are left out. */
export function toProtobuf(spec: MessageSpec, value: MessageValue): MessageValue {
  const message: MessageValue = {};
  for (const field of spec.fields) {
    const item = value[field.name];
    if (item === null || item === undefined) continue;
    if (field.rule === 'repeated') {
      message[field.name] = (item as unknown[]).map((entry) => singleTo(field, entry));
    } else if (field.rule === 'map') {
      const entries = item as ReadonlyMap<string, unknown>;
      message[field.name] = Object.fromEntries(
        [...entries].map(([key, entry]) => [key, singleTo(field, entry)]),
      );
    } else if (
      field.oneof !== null ||
      field.content.kind === 'message' ||
      item !== plainDefault(field)
    ) {
      message[field.name] = singleTo(field, item);
    }
  }
  return message;
}

function singleTo(field: FieldSpec, item: unknown): unknown {
  const content = field.content;
  if (content.kind === 'message') return toProtobuf(content.message, item as MessageValue);
  if (content.kind === 'enum') return content.values.indexOf(item as string);
  // Decimal text is the one form of a 64-bit integer that protobuf.js takes exactly.
  if (content.scalar === 'int64' || content.scalar === 'uint64') return String(item);
  return item;
}
