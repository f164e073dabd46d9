import { JsonReader } from './json-reader.ts';
import { JsonDouble, JsonSpan, type JsonValue } from './json-value.ts';

/** A JSON text with the types of Triton's JSON, for who looks at single members of it. */
export function readJson(bytes: Uint8Array): JsonValue {
  return new JsonReader(bytes, null).read();
}

/**
 * A JSON text as plain values: objects without a prototype, so that `__proto__` is a name like any
 * other; integers beyond 2^53 as bigint.
 * @throws TritonError INTERNAL `failed to parse the request JSON buffer: <reason> at <offset>`.
 */
export function parseJson(bytes: Uint8Array): unknown {
  return plain(readJson(bytes));
}

function plain(value: JsonValue): unknown {
  if (value instanceof JsonDouble) return value.value;
  if (value instanceof Map) {
    const object: Record<string, unknown> = Object.create(null);
    for (const [name, member] of value) object[name] = plain(member);
    return object;
  }
  if (value instanceof JsonSpan) throw new Error('a span outside of tensor data');
  return Array.isArray(value) ? value.map(plain) : value;
}
