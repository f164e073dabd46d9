import { decodeMessage, encodeMessage } from '@nereid/protocol';
import type { FieldSpec, MessageSpec } from '@nereid/protocol/schemas';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFields, encodeFields } from './message-codec.ts';
import { serviceMessages } from './service-messages.ts';

const messages = serviceMessages();

/** Not as Buffer, which is not equal to a Uint8Array. */
function bytesOf(name: string, fields: object): Uint8Array {
  return new Uint8Array(encodeMessage(name, fields));
}
const names = [...messages.keys()].filter((name) => /(?:Request|Response)$/u.test(name));

const int64 = fc.oneof(fc.integer(), fc.maxSafeInteger());
const natural = fc.oneof(fc.nat(), fc.maxSafeNat());
const scalars: Record<string, fc.Arbitrary<unknown>> = {
  string: fc.string({ unit: 'grapheme' }),
  bytes: fc.uint8Array(),
  bool: fc.boolean(),
  int32: fc.integer(),
  uint32: fc.nat(),
  int64,
  uint64: natural,
  float: fc.float({ noNaN: true }),
  double: fc.double({ noNaN: true }),
};

function elementOf({ content }: FieldSpec): fc.Arbitrary<unknown> {
  if (content.kind === 'message') return fieldsOf(content.message);
  if (content.kind === 'enum') return fc.constantFrom(...content.values);
  return scalars[content.scalar] as fc.Arbitrary<unknown>;
}

function fieldOf(field: FieldSpec): fc.Arbitrary<unknown> {
  if (field.rule === 'repeated') return fc.array(elementOf(field), { maxLength: 3 });
  if (field.rule === 'single') return elementOf(field);
  const key = field.keyType === 'uint64' ? fc.nat().map(String) : fc.string();
  return fc.dictionary(key, elementOf(field), { maxKeys: 2, noNullPrototype: true });
}

/** Of a choice at most one member. */
function fieldsOf(spec: MessageSpec): fc.Arbitrary<Record<string, unknown>> {
  const plain = spec.fields.filter(({ oneof }) => oneof === null);
  const record = fc.record(Object.fromEntries(plain.map((field) => [field.name, fieldOf(field)])), {
    requiredKeys: [],
  });
  const chosen = spec.fields.filter(({ oneof }) => oneof !== null);
  if (chosen.length === 0) return record;
  const member = fc.constantFrom(...chosen);
  return fc
    .tuple(
      record,
      fc.option(member.chain((field) => fieldOf(field).map((value) => ({ [field.name]: value })))),
    )
    .map(([fields, choice]) => ({ ...fields, ...choice }));
}

/** protobuf.js has null for messages that are absent, which are left out here, and Buffers for bytes. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([name, member]) => [name, withoutNulls(member)]),
  );
}

describe('the codec of messages', () => {
  it.each(names)('reads %s as protobuf.js does', (name) => {
    const spec = messages.get(name) as MessageSpec;
    fc.assert(
      fc.property(fieldsOf(spec), (fields) => {
        const bytes = bytesOf(`inference.${name}`, fields);
        const expected = withoutNulls(decodeMessage(`inference.${name}`, bytes));
        expect(decodeFields(spec, bytes)).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it.each(names.filter((name) => name.endsWith('Request')))('writes %s as it', (name) => {
    const spec = messages.get(name) as MessageSpec;
    fc.assert(
      fc.property(fieldsOf(spec), (fields) => {
        const expected = decodeMessage(
          `inference.${name}`,
          encodeMessage(`inference.${name}`, fields),
        );
        const bytes = encodeFields(spec, fields);
        expect(withoutNulls(decodeMessage(`inference.${name}`, bytes))).toEqual(
          withoutNulls(expected),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('has no other property of an object for a name of a map', () => {
    const spec = messages.get('TraceSettingResponse') as MessageSpec;
    const bytes = encodeFields(spec, { settings: JSON.parse('{"__proto__":{"value":["x"]}}') });
    const { settings } = decodeFields<{ settings: object }>(spec, bytes);
    expect(Object.keys(settings)).toEqual(['__proto__']);
  });

  it('refuses what is cut off anywhere', () => {
    const spec = messages.get('ModelStatisticsResponse') as MessageSpec;
    fc.assert(
      fc.property(fieldsOf(spec), fc.nat(), (fields, at) => {
        const bytes = bytesOf('inference.ModelStatisticsResponse', fields);
        const cut = bytes.subarray(0, at % (bytes.length + 1));
        try {
          decodeFields(spec, cut);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
