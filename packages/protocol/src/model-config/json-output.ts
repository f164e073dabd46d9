import type { FieldSpec, MessageSpec } from '../message-schema.ts';
import type { MessageValue } from './message-value.ts';
import type { ModelConfig } from './model-config.ts';
import { modelConfigSpec } from './schema.ts';

/**
 * 64-bit fields that Triton prints as JSON strings, as protobuf does with all of them; Triton turns the
 * others back into numbers and has left these out.
 */
const stringsInJson: ReadonlySet<string> = new Set([
  'ModelSequenceBatching.InitialState.dims',
  'ModelOptimizationPolicy.Cuda.GraphSpec.Shape.dim',
  'ModelInstanceGroup.SecondaryDevice.device_id',
]);

/**
 * The configuration as `GET /v2/models/M/config` answers it: fields in schema order under their own
 * names, every plain field, list and map printed even when empty, messages and members of a choice only
 * when set, enumerations by name, 64-bit integers as exact numbers.
 */
export function modelConfigToJson(config: ModelConfig): string {
  return messageJson(modelConfigSpec, config as unknown as MessageValue);
}

function messageJson(spec: MessageSpec, value: MessageValue): string {
  const members: string[] = [];
  for (const field of spec.fields) {
    const item = value[field.name];
    if (item === null || item === undefined) continue;
    members.push(`"${field.name}":${fieldJson(spec, field, item)}`);
  }
  return `{${members.join(',')}}`;
}

function fieldJson(spec: MessageSpec, field: FieldSpec, item: unknown): string {
  if (field.rule === 'repeated') {
    return `[${(item as unknown[]).map((entry) => singleJson(spec, field, entry)).join(',')}]`;
  }
  if (field.rule === 'map') {
    const entries = [...(item as ReadonlyMap<string, unknown>)];
    const members = entries.map(
      ([key, entry]) => `${JSON.stringify(key)}:${singleJson(spec, field, entry)}`,
    );
    return `{${members.join(',')}}`;
  }
  return singleJson(spec, field, item);
}

function singleJson(spec: MessageSpec, field: FieldSpec, item: unknown): string {
  const content = field.content;
  if (content.kind === 'message') return messageJson(content.message, item as MessageValue);
  if (content.kind === 'enum') return `"${String(item)}"`;
  switch (content.scalar) {
    case 'string':
      return JSON.stringify(item);
    case 'int64':
    case 'uint64':
      return stringsInJson.has(`${spec.name}.${field.name}`) ? `"${String(item)}"` : String(item);
    case 'float':
      return decimalJson(shortestFloat(item as number));
    case 'double':
      return decimalJson(item as number);
    default:
      return String(item);
  }
}

function decimalJson(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? '"NaN"' : value > 0 ? '"Infinity"' : '"-Infinity"';
}

/** The number with the fewest digits that is the same single-precision float: 0.1, not 0.10000000149…. */
export function shortestFloat(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}
