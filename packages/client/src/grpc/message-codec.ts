import type { FieldSpec, MessageSpec } from '@nereid/protocol/schemas';
import { WireBytes } from './wire-bytes.ts';
import { bytesOf, packedVarints, textOf, type WireField, wireFields } from './wire-fields.ts';

/** Fields under their names in the .proto file. */
type Fields = Record<string, unknown>;
type Wire = WireField['value'];

/** Wire types of scalars that are no varints. */
const wireTypes: Readonly<Record<string, number>> = { double: 1, string: 2, bytes: 2, float: 5 };

/**
 * Writes a message.
 * @param fields What is left out, or undefined, has its default. Maps are objects, 64-bit numbers may be big
 * integers, enumerations are numbers.
 */
export function encodeFields(spec: MessageSpec, fields: object): Uint8Array {
  const message = new WireBytes();
  writeFields(message, spec, fields as Fields);
  return message.written;
}

function writeFields(message: WireBytes, spec: MessageSpec, fields: Fields): void {
  for (const field of spec.fields) {
    const value = fields[field.name];
    if (value === undefined || value === null) continue;
    if (field.rule === 'repeated') {
      for (const item of value as readonly unknown[]) writeValue(message, field, field.id, item);
    } else if (field.rule === 'map') {
      for (const [key, item] of Object.entries(value)) {
        message.messageField(field.id, (entry) => {
          if (field.keyType === 'uint64') entry.varintField(1, BigInt(key));
          else entry.textField(1, key);
          writeValue(entry, field, 2, item);
        });
      }
    } else if (field.oneof !== null || !isDefault(value)) {
      writeValue(message, field, field.id, value);
    }
  }
}

/** Defaults are not written, but for the members of a choice. */
function isDefault(value: unknown): boolean {
  return value === '' || value === 0 || value === 0n || value === false;
}

function writeValue(message: WireBytes, field: FieldSpec, id: number, value: unknown): void {
  const { content } = field;
  if (content.kind === 'message') {
    message.messageField(id, (inner) => writeFields(inner, content.message, value as Fields));
  } else if (content.kind === 'enum') message.varintField(id, value as number);
  else if (content.scalar === 'string') message.textField(id, value as string);
  else if (content.scalar === 'bytes') message.bytesField(id, value as Uint8Array);
  else if (content.scalar === 'double') message.doubleField(id, value as number);
  else message.varintField(id, typeof value === 'boolean' ? Number(value) : (value as number));
}

/**
 * Reads a message.
 * @returns Each plain field, list and map, with its default where it is absent; messages and the members of
 * a choice only where they are set. Enumerations by name, integers as numbers.
 * @throws RangeError where the message is cut off or malformed.
 */
export function decodeFields<Answer extends object>(
  spec: MessageSpec,
  message: Uint8Array,
): Answer {
  const fields: Fields = {};
  for (const field of spec.fields) {
    const value = defaultOf(field);
    if (value !== undefined) fields[field.name] = value;
  }
  const byId = new Map(spec.fields.map((field) => [field.id, field]));
  for (const { number, value } of wireFields(message)) {
    const field = byId.get(number);
    if (field !== undefined) readField(fields, field, value);
  }
  return fields as Answer;
}

function defaultOf({ rule, oneof, content }: FieldSpec): unknown {
  if (rule === 'repeated') return [];
  if (rule === 'map') return {};
  if (oneof !== null || content.kind === 'message') return undefined;
  if (content.kind === 'enum') return content.values[0];
  if (content.scalar === 'string') return '';
  if (content.scalar === 'bytes') return new Uint8Array();
  return content.scalar === 'bool' ? false : 0;
}

function readField(fields: Fields, field: FieldSpec, wire: Wire): void {
  const { name, rule } = field;
  if (rule === 'single') fields[name] = readValue(field, wire);
  else if (rule === 'map') readEntry(fields[name] as Fields, field, bytesOf(wire));
  else (fields[name] as unknown[]).push(...itemsOf(field, wire));
}

function readEntry(map: Fields, field: FieldSpec, entry: Uint8Array): void {
  let key = field.keyType === 'uint64' ? '0' : '';
  let value: unknown;
  for (const { number, value: wire } of wireFields(entry)) {
    if (number === 1) key = textOf(wire);
    else if (number === 2) value = readValue(field, wire);
  }
  value ??= emptyValue(field);
  // As a property of its own whatever its name, also where that is `__proto__`.
  Object.defineProperty(map, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function emptyValue(field: FieldSpec): unknown {
  const { content } = field;
  if (content.kind === 'message') return decodeFields(content.message, new Uint8Array());
  return defaultOf({ ...field, rule: 'single', oneof: null });
}

/** Numbers of a list may come packed into one field. */
function itemsOf(field: FieldSpec, wire: Wire): unknown[] {
  const { content } = field;
  if (!(wire instanceof Uint8Array) || content.kind === 'message') return [readValue(field, wire)];
  const wireType = content.kind === 'enum' ? 0 : (wireTypes[content.scalar] ?? 0);
  if (wireType === 2) return [readValue(field, wire)];
  const items: unknown[] = [];
  if (wireType === 0) {
    for (const value of packedVarints(wire)) items.push(readValue(field, value));
    return items;
  }
  const size = wireType === 1 ? 8 : 4;
  for (let at = 0; at < wire.length; at += size) {
    items.push(readValue(field, wire.subarray(at, at + size)));
  }
  return items;
}

function readValue({ content }: FieldSpec, wire: Wire): unknown {
  if (content.kind === 'message') return decodeFields(content.message, bytesOf(wire));
  if (content.kind === 'enum') return content.values[Number(wire)] ?? Number(wire);
  switch (content.scalar) {
    case 'string':
      return textOf(wire);
    case 'bytes':
      return bytesOf(wire);
    case 'bool':
      return Number(wire) !== 0;
    case 'double':
      return viewOf(wire, 8).getFloat64(0, true);
    case 'float':
      return viewOf(wire, 4).getFloat32(0, true);
    case 'int32':
    case 'int64':
      return Number(typeof wire === 'bigint' ? BigInt.asIntN(64, wire) : wire);
    default:
      return Number(wire);
  }
}

function viewOf(wire: Wire, byteLength: number): DataView {
  const bytes = bytesOf(wire);
  if (bytes.length !== byteLength) throw new RangeError('a number of the message is cut off');
  return new DataView(bytes.buffer, bytes.byteOffset, byteLength);
}
