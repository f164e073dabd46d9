import type { FieldSpec, MessageSpec } from '../message-schema.ts';
import { shortestFloat } from './json-output.ts';
import { type MessageValue, plainDefault } from './message-value.ts';
import type { ModelConfig } from './model-config.ts';
import { modelConfigSpec } from './schema.ts';

const indent = '  ';

/**
 * The configuration as `config.pbtxt` says it: fields in schema order, what has its default left out, lists
 * of plain values on one line. Reading it gives the same configuration.
 */
export function modelConfigToText(config: ModelConfig): string {
  return messageLines(modelConfigSpec, config as unknown as MessageValue)
    .map((line) => `${line}\n`)
    .join('');
}

function messageLines(spec: MessageSpec, value: MessageValue): string[] {
  return spec.fields.flatMap((field) => {
    const item = value[field.name];
    return item === null || item === undefined ? [] : fieldLines(field, item);
  });
}

function fieldLines(field: FieldSpec, item: unknown): string[] {
  const { name, rule, content } = field;
  if (rule === 'map') return mapLines(field, item as ReadonlyMap<string, unknown>);
  if (rule === 'repeated') {
    const items = item as readonly unknown[];
    if (items.length === 0) return [];
    if (content.kind !== 'message') {
      return [`${name}: [ ${items.map((one) => plainText(field, one)).join(', ')} ]`];
    }
    const { message } = content;
    const blocks = items.map((one) => messageLines(message, one as MessageValue));
    return [
      `${name} [`,
      ...blocks.flatMap((lines, at) => [
        `${indent}{`,
        ...lines.map((line) => indent + indent + line),
        `${indent}}${at < blocks.length - 1 ? ',' : ''}`,
      ]),
      ']',
    ];
  }
  if (content.kind === 'message') {
    return block(name, messageLines(content.message, item as MessageValue));
  }
  const isDefault = field.oneof === null && item === plainDefault(field);
  return isDefault ? [] : [`${name}: ${plainText(field, item)}`];
}

function mapLines(field: FieldSpec, entries: ReadonlyMap<string, unknown>): string[] {
  const { name, keyType, content } = field;
  return [...entries].flatMap(([key, item]) => {
    const keyLine = `key: ${keyType === 'string' ? stringText(key) : key}`;
    const valueLines =
      content.kind === 'message'
        ? block('value', messageLines(content.message, item as MessageValue))
        : [`value: ${plainText(field, item)}`];
    return block(name, [keyLine, ...valueLines]);
  });
}

function block(name: string, lines: readonly string[]): string[] {
  return lines.length === 0
    ? [`${name} { }`]
    : [`${name} {`, ...lines.map((line) => indent + line), '}'];
}

function plainText({ content }: FieldSpec, item: unknown): string {
  if (content.kind !== 'scalar') return String(item);
  switch (content.scalar) {
    case 'string':
      return stringText(item as string);
    case 'float':
      return decimalText(shortestFloat(item as number));
    case 'double':
      return decimalText(item as number);
    default:
      return String(item);
  }
}

function decimalText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf';
}

const escapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '"': '\\"',
  '\\': '\\\\',
};

function stringText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: text format has them escaped
  const escaped = text.replaceAll(/[\0-\x1f"\\\x7f]/gu, (character) => {
    const octal = character.charCodeAt(0).toString(8).padStart(3, '0');
    return escapes[character] ?? `\\${octal}`;
  });
  return `"${escaped}"`;
}
