import type { FieldSpec, MessageSpec } from '../message-schema.ts';
import { type FieldSupport, fieldDocs } from './field-docs.ts';
import { defaultOf } from './message-value.ts';
import { modelConfigSpec } from './schema.ts';

/** One field of the configuration, for the reference documentation. */
export interface ModelConfigField {
  /** From the root: `input[].dims`, `parameters{}.string_value`; [] is each of a list, {} each of a map. */
  readonly path: string;
  /** As people write it: `int64 list`, `map of string to string`, `TYPE_BOOL | TYPE_UINT8 | …`, `message`. */
  readonly type: string;
  /** As the configuration shows it: `""`, `0`, `false`, `[]`, `{}`, an enumerator, or `not set`. */
  readonly default: string;
  readonly support: FieldSupport;
  /** One line. */
  readonly description: string;
  /** Name of the choice of which at most one member may be set, or null. */
  readonly choice: string | null;
}

/** Every field of the configuration in printing order, the fields of a message after the message's own. */
export const modelConfigFields: readonly ModelConfigField[] = fieldsOf(modelConfigSpec, '');

function fieldsOf(spec: MessageSpec, prefix: string): ModelConfigField[] {
  return spec.fields.flatMap((field) => {
    const path = `${prefix}${field.name}`;
    const inside = field.rule === 'repeated' ? '[]' : field.rule === 'map' ? '{}' : '';
    const below =
      field.content.kind === 'message' ? fieldsOf(field.content.message, `${path}${inside}.`) : [];
    return [fieldEntry(spec, field, path), ...below];
  });
}

function fieldEntry(spec: MessageSpec, field: FieldSpec, path: string): ModelConfigField {
  const [support = 'kept', ...rest] = (fieldDocs[`${spec.name}.${field.name}`] ?? '').split(': ');
  return {
    path,
    type: typeText(field),
    default: defaultText(field),
    support: support as FieldSupport,
    description: rest.join(': '),
    choice: field.oneof,
  };
}

function typeText(field: FieldSpec): string {
  const content = field.content;
  const one =
    content.kind === 'message'
      ? 'message'
      : content.kind === 'enum'
        ? content.values.join(' | ')
        : content.scalar;
  if (field.rule === 'map') return `map of ${field.keyType} to ${one}`;
  return field.rule === 'repeated' ? `${one} list` : one;
}

function defaultText(field: FieldSpec): string {
  const value = defaultOf(field);
  if (value === null) return 'not set';
  if (field.rule === 'map') return '{}';
  return field.content.kind === 'enum' && field.rule === 'single'
    ? String(value)
    : JSON.stringify(value);
}
