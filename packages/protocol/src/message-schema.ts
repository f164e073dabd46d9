/**
 * Messages described by lines that read as in a .proto file: `repeated string name = 1`,
 * `map<string, Entry> entries = 2`, and `oneof choice: bool set = 3` for a member of a choice. Uses nothing
 * of Node.
 */

/** Types of single values, as protobuf calls them. */
export type ScalarType =
  | 'string'
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float'
  | 'double'
  | 'bytes';

/** What a field holds: a plain value, an enumeration, or another message. */
export type FieldContent =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'message'; readonly message: MessageSpec };

/** One field of a message. */
export interface FieldSpec {
  readonly name: string;
  readonly id: number;
  /** `map` fields have string or uint64 keys, and `content` is what they map to. */
  readonly rule: 'single' | 'repeated' | 'map';
  readonly keyType: 'string' | 'uint64' | null;
  /** The choice that this field is a member of. */
  readonly oneof: string | null;
  /** Type name as written: `int64`, `DataType`, `ModelInput.Format`. */
  readonly typeName: string;
  readonly content: FieldContent;
}

/** One message: its fields in printing order and by name. */
export interface MessageSpec {
  readonly name: string;
  readonly fields: readonly FieldSpec[];
  readonly byName: ReadonlyMap<string, FieldSpec>;
}

const scalarTypes: ReadonlySet<string> = new Set([
  'string',
  'bool',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float',
  'double',
  'bytes',
]);
const lineForm =
  /^(?:oneof (\w+): )?(?:map<(string|uint64), ([\w.]+)>|(repeated )?([\w.]+)) (\w+) = (\d+)$/;

/** Reads messages one after the other, each with those that it holds. */
class SchemaReader {
  readonly messages: Map<string, MessageSpec>;
  readonly #lines: Readonly<Record<string, readonly string[]>>;
  readonly #enums: Readonly<Record<string, string>>;

  constructor(
    lines: Readonly<Record<string, readonly string[]>>,
    enums: Readonly<Record<string, string>>,
    known: ReadonlyMap<string, MessageSpec>,
  ) {
    this.#lines = lines;
    this.#enums = enums;
    this.messages = new Map(known);
  }

  message(name: string): MessageSpec {
    const known = this.messages.get(name);
    if (known !== undefined) return known;
    const lines = this.#lines[name];
    if (lines === undefined) throw new Error(`schema: no message ${name}`);
    const fields = lines.map((line) => this.#field(line));
    const spec: MessageSpec = {
      name,
      fields,
      byName: new Map(fields.map((field) => [field.name, field])),
    };
    this.messages.set(name, spec);
    return spec;
  }

  #field(line: string): FieldSpec {
    const match = lineForm.exec(line);
    if (match === null) throw new Error(`schema: ${line}`);
    const [, oneof, keyType, valueType, repeated, plainType, name, id] = match;
    const typeName = valueType ?? plainType;
    if (typeName === undefined || name === undefined) throw new Error(`schema: ${line}`);
    return {
      name,
      id: Number(id),
      rule: repeated !== undefined ? 'repeated' : keyType !== undefined ? 'map' : 'single',
      keyType: (keyType as 'string' | 'uint64' | undefined) ?? null,
      oneof: oneof ?? null,
      typeName,
      content: this.#content(typeName),
    };
  }

  #content(typeName: string): FieldContent {
    if (scalarTypes.has(typeName)) return { kind: 'scalar', scalar: typeName as ScalarType };
    const values = this.#enums[typeName];
    if (values !== undefined) return { kind: 'enum', values: values.split(' ') };
    return { kind: 'message', message: this.message(typeName) };
  }
}

/**
 * @param lines By the dotted name of each message.
 * @param enums Names of values by the dotted name of each enumeration, numbered from 0, with spaces between.
 * @param known Messages that the lines may refer to.
 * @returns All of them, by name, in the order in which they refer to each other.
 * @throws Error for a line that cannot be read.
 */
export function readMessages(
  lines: Readonly<Record<string, readonly string[]>>,
  enums: Readonly<Record<string, string>>,
  known: ReadonlyMap<string, MessageSpec> = new Map(),
): ReadonlyMap<string, MessageSpec> {
  const reader = new SchemaReader(lines, enums, known);
  for (const name of Object.keys(lines)) reader.message(name);
  return reader.messages;
}
