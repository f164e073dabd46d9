import type { FieldSpec, MessageSpec, ScalarType } from '../message-schema.ts';
import { emptyMessage, type FieldPath, formatPath, type MessageValue } from './message-value.ts';
import type { ModelConfig } from './model-config.ts';
import { ModelConfigError } from './model-config-error.ts';
import { exactNumber, uint64FromDigits } from './protobuf-value.ts';
import { strictJson } from './relaxed-json.ts';
import { modelConfigSpec } from './schema.ts';
import { modelConfigBytesMax } from './text-format.ts';
import { enumFix } from './text-scalar.ts';
import { unknownFieldFix } from './text-scan.ts';
import { show } from './text-tokens.ts';

const integerRanges: Partial<Record<ScalarType, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

class JsonProblem extends Error {
  readonly path: FieldPath;
  readonly fix: string;

  constructor(path: FieldPath, problem: string, fix: string) {
    super(problem);
    this.path = path;
    this.fix = fix;
  }
}

/**
 * Reads the JSON form of a configuration, as a load request's `config` override gives it. The rules are
 * protobuf's: field names as in config.pbtxt or in camelCase, 64-bit integers as numbers or strings,
 * enumerations by name (in any case) or number, null for a field that is not set; keys may go without quotes.
 * @throws ModelConfigError INVALID_ARG `Invalid config override: …`
 */
export function modelConfigFromJson(text: string): ModelConfig {
  if (text.length > modelConfigBytesMax || Buffer.byteLength(text) > modelConfigBytesMax) {
    throw override(`longer than ${modelConfigBytesMax} bytes`, [], 'send a smaller configuration');
  }
  const json = parsed(text);
  try {
    return message(modelConfigSpec, json, []) as unknown as ModelConfig;
  } catch (error) {
    if (error instanceof JsonProblem) throw override(error.message, error.path, error.fix);
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(exactIntegers(text));
  } catch (error) {
    try {
      return JSON.parse(exactIntegers(strictJson(text)));
    } catch {
      throw override(`not JSON: ${(error as Error).message}`, [], 'send one JSON object');
    }
  }
}

function override(problem: string, path: FieldPath, fix: string): ModelConfigError {
  return new ModelConfigError('INVALID_ARG', `Invalid config override: ${problem}; ${fix}`, {
    file: null,
    line: null,
    column: null,
    field: formatPath(path),
    fix,
  });
}

/** Puts long integers in quotes: JSON.parse would round them, and protobuf takes both forms. */
function exactIntegers(text: string): string {
  if (!/\d{16}/.test(text)) return text;
  const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  return text.replaceAll(stringOrNumber, (part) => (/^-?\d{16,}$/.test(part) ? `"${part}"` : part));
}

function message(spec: MessageSpec, json: unknown, path: FieldPath): MessageValue {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) {
    const place = path.length === 0 ? 'the configuration' : formatPath(path);
    throw new JsonProblem(path, `${place} is not a JSON object`, 'write it as { ... }');
  }
  const value = emptyMessage(spec);
  const choices = new Map<string, string>();
  for (const [key, item] of Object.entries(json)) {
    const field = spec.byName.get(key) ?? spec.byName.get(snakeCase(key));
    if (field === undefined) {
      const place = path.length === 0 ? 'the configuration' : formatPath(path);
      const problem = `unknown field ${show(key)} in ${place}`;
      throw new JsonProblem(path, problem, unknownFieldFix(snakeCase(key), spec));
    }
    if (item === null) continue;
    if (field.oneof !== null) checkChoice(field, field.oneof, choices, path);
    value[field.name] = fieldValue(field, item, [...path, field.name]);
  }
  return value;
}

function checkChoice(
  field: FieldSpec,
  oneof: string,
  choices: Map<string, string>,
  path: FieldPath,
): void {
  const before = choices.get(oneof);
  if (before !== undefined && before !== field.name) {
    const problem = `${formatPath([...path, field.name])} is set although ${before} is set`;
    throw new JsonProblem(path, problem, 'keep one of the two');
  }
  choices.set(oneof, field.name);
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function fieldValue(field: FieldSpec, json: unknown, path: FieldPath): unknown {
  if (field.rule === 'repeated') {
    if (!Array.isArray(json)) {
      throw new JsonProblem(path, `${formatPath(path)} is not a JSON list`, 'write it as [ ... ]');
    }
    return json.map((item, index) => single(field, item, [...path, index]));
  }
  if (field.rule === 'map') {
    if (json === null || typeof json !== 'object' || Array.isArray(json)) {
      throw new JsonProblem(
        path,
        `${formatPath(path)} is not a JSON object`,
        'write it as { ... }',
      );
    }
    return new Map(
      Object.entries(json).map(([key, item]) => {
        const mapKey = field.keyType === 'uint64' ? integer('uint64', key, [...path, key]) : key;
        return [String(mapKey), single(field, item, [...path, key])];
      }),
    );
  }
  return single(field, json, path);
}

function single(field: FieldSpec, json: unknown, path: FieldPath): unknown {
  const content = field.content;
  if (json === null) {
    throw new JsonProblem(path, `${formatPath(path)} is null`, 'leave it out or give it a value');
  }
  if (content.kind === 'message') return message(content.message, json, path);
  if (content.kind === 'enum') return enumerator(content.values, json, path);
  switch (content.scalar) {
    case 'string':
      if (typeof json === 'string' && !/\p{Surrogate}/u.test(json)) return json;
      throw wrong(json, path, 'it takes a JSON string');
    case 'bool':
      if (typeof json === 'boolean') return json;
      throw wrong(json, path, 'it takes true or false, without quotes');
    case 'float':
    case 'double': {
      const value = decimal(json, path);
      return content.scalar === 'float' ? Math.fround(value) : value;
    }
    default:
      return integer(content.scalar, json, path);
  }
}

function enumerator(values: readonly string[], json: unknown, path: FieldPath): string {
  const index = typeof json === 'number' ? json : values.indexOf(String(json).toUpperCase());
  const name = values[index];
  if (name !== undefined && (typeof json === 'number' || typeof json === 'string')) return name;
  throw wrong(json, path, enumFix(String(json), values));
}

function decimal(json: unknown, path: FieldPath): number {
  if (typeof json === 'number') return json;
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json);
  const value = typeof json === 'string' && /^[-+.\deE]+$/.test(json) ? Number(json) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw wrong(json, path, 'it takes a number');
}

function integer(scalar: ScalarType, json: unknown, path: FieldPath): number | bigint {
  const range = integerRanges[scalar];
  const digits = integerDigits(json);
  if (range === undefined || digits === null) throw wrong(json, path, 'it takes an integer');
  const value = BigInt(digits);
  if (value < range[0] || value > range[1]) {
    throw wrong(json, path, `it takes an integer from ${range[0]} to ${range[1]}`);
  }
  if (scalar === 'uint64') return uint64FromDigits(value.toString());
  if (!Number.isSafeInteger(Number(value))) {
    throw wrong(json, path, 'use a value within ±(2^53 - 1)');
  }
  return exactNumber(value.toString(), path);
}

/** The decimal digits of an integer in any of its JSON forms: 4, "4", 4.0, "4e0". */
function integerDigits(json: unknown): string | null {
  if (typeof json === 'string' && /^[-+]?\d{1,40}$/.test(json)) return json.replace('+', '');
  const value =
    typeof json === 'number'
      ? json
      : typeof json === 'string' && /^[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?$/.test(json)
        ? Number(json)
        : Number.NaN;
  return Number.isInteger(value) && Math.abs(value) < 1e20 ? BigInt(value).toString() : null;
}

function wrong(json: unknown, path: FieldPath, fix: string): JsonProblem {
  const found =
    typeof json === 'object' ? (Array.isArray(json) ? 'a list' : 'an object') : show(String(json));
  return new JsonProblem(path, `${found} is not a value for ${formatPath(path)}`, fix);
}
