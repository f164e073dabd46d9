import { expect, test } from 'vitest';
import { modelConfigFields } from './config-fields.ts';
import { fieldDocs } from './field-docs.ts';
import { modelConfigMessages } from './schema.ts';

const schemaFields = [...modelConfigMessages.values()].flatMap((message) =>
  message.fields.map((field) => `${message.name}.${field.name}`),
);

test('every field of the schema is described, and nothing else is', () => {
  expect(Object.keys(fieldDocs).sort()).toEqual(schemaFields.sort());
});

test('a description says how far the field is supported, then what it is for', () => {
  for (const text of Object.values(fieldDocs)) {
    expect(text).toMatch(/^(?:honoured|checked|kept): [A-Z].*[.]$/);
  }
});

test('paths, types and defaults read as in the configuration', () => {
  const byPath = new Map(modelConfigFields.map((field) => [field.path, field]));
  expect(byPath.get('input[].dims')).toMatchObject({ type: 'int64 list', default: '[]' });
  expect(byPath.get('parameters')).toMatchObject({
    type: 'map of string to message',
    default: '{}',
  });
  expect(byPath.get('parameters{}.string_value')).toMatchObject({ type: 'string', default: '""' });
  expect(byPath.get('instance_group[].kind')?.default).toBe('KIND_AUTO');
  expect(byPath.get('dynamic_batching')).toMatchObject({
    default: 'not set',
    choice: 'scheduling_choice',
    support: 'honoured',
  });
  expect(byPath.size).toBe(modelConfigFields.length);
});

test('no two fields of a message share a wire number', () => {
  for (const message of modelConfigMessages.values()) {
    const ids = message.fields.map((field) => field.id);
    expect(new Set(ids).size).toBe(ids.length);
  }
});
