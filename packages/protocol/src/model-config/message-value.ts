import type { FieldSpec, MessageSpec } from '../message-schema.ts';
import type { ModelConfig } from './model-config.ts';
import { modelConfigSpec } from './schema.ts';

/** A message of the configuration as plain data, seen through its schema. */
export type MessageValue = { [field: string]: unknown };

/** The message with every field at its default: '' 0 false, the first enumerator, [], an empty map, null. */
export function emptyMessage(spec: MessageSpec): MessageValue {
  const value: MessageValue = {};
  for (const field of spec.fields) value[field.name] = defaultOf(field);
  return value;
}

/** What a field holds that nobody has set. */
export function defaultOf(field: FieldSpec): unknown {
  if (field.rule === 'repeated') return [];
  if (field.rule === 'map') return new Map<string, unknown>();
  if (field.oneof !== null || field.content.kind === 'message') return null;
  return plainDefault(field);
}

/** The default of a single value of the field's type, whether the field is a choice's member or not. */
export function plainDefault(field: FieldSpec): unknown {
  const content = field.content;
  if (content.kind === 'message') return emptyMessage(content.message);
  if (content.kind === 'enum') return content.values[0];
  if (content.scalar === 'string') return '';
  return content.scalar === 'bool' ? false : 0;
}

/** Where a value stands: field names, list indices and map keys from the configuration's root. */
export type FieldPath = readonly (string | number)[];

/** A path as people write it: `input[0].dims`, `parameters["key"].string_value`. */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_]\w*$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** A configuration in which nothing is set, as when a model has no config.pbtxt. */
export function emptyModelConfig(): ModelConfig {
  return emptyMessage(modelConfigSpec) as unknown as ModelConfig;
}
