import { expect, test } from 'vitest';
import { cpuTimeMs } from '../../../test-kit/src/cpu-time.ts';
import { ModelConfigError } from './model-config-error.ts';
import {
  locateField,
  modelConfigBytesMax,
  parseModelConfigBytes,
  parseModelConfigText,
} from './text-format.ts';

/** The error that a text gives; fails the test when there is none. */
function errorOf(text: string): ModelConfigError {
  try {
    parseModelConfigText(text, 'config.pbtxt');
  } catch (error) {
    if (error instanceof ModelConfigError) return error;
    throw error;
  }
  throw new Error(`read without an error: ${text}`);
}

test('every freedom of the text format is taken', () => {
  const config = parseModelConfigText(
    `# comment
     name: 'one' "two"; max_batch_size: 0x10, platform: "\\u00e9\\x41\\101\\n"
     input < name: "a" data_type: 11 dims: [ 010, -1 ] dims: 3 >
     input: [ { name: "b" data_type: TYPE_STRING optional: t }, { name: "c" reshape { } } ]
     parameters [ { key: "x" value: { string_value: "1" } }, { value { } key: "__proto__" } ]
     sequence_batching { direct { minimum_slot_utilization: .5f } }`,
    'config.pbtxt',
  );
  expect(config).toMatchObject({ name: 'onetwo', max_batch_size: 16, platform: '\u00e9AA\n' });
  expect(config.input.map((input) => input.dims)).toEqual([[8, -1, 3], [], []]);
  expect(config.input.map((input) => input.data_type)).toEqual([
    'TYPE_FP32',
    'TYPE_STRING',
    'TYPE_INVALID',
  ]);
  expect(config.input.map((input) => input.reshape)).toEqual([null, null, { shape: [] }]);
  expect(config.input.map((input) => input.optional)).toEqual([false, true, false]);
  expect([...config.parameters]).toEqual([
    ['x', { string_value: '1' }],
    ['__proto__', { string_value: '' }],
  ]);
  expect(config.sequence_batching?.direct?.minimum_slot_utilization).toBe(0.5);
  expect(config.dynamic_batching).toBeNull();
});

test('64-bit values stay exact, and those that cannot be are refused with their place', () => {
  const config = parseModelConfigText(
    'dynamic_batching { max_queue_delay_microseconds: 18446744073709551615 priority_levels: 7 }',
    'config.pbtxt',
  );
  expect(config.dynamic_batching?.max_queue_delay_microseconds).toBe(18446744073709551615n);
  expect(config.dynamic_batching?.priority_levels).toBe(7);
  const error = errorOf('input {\n  dims: [ 1, 9223372036854775807 ]\n}');
  expect(error.code).toBe('INVALID_ARG');
  expect(error.hint).toMatchObject({ line: 2, column: 14, field: 'input[0].dims[1]' });
});

test.each([
  ['max_batch_size: 1\nmax_batch_sise: 2', 2, 1, "did you mean 'max_batch_size'?"],
  ['no_such_field: 1', 1, 1, 'remove it'],
  ['name: "m"\ndims: 4', 2, 1, "'dims' belongs in ModelInput"],
  ['max_batch_size: eight', 1, 17, 'it takes an integer'],
  ['max_batch_size: 2147483648', 1, 17, 'from -2147483648 to 2147483647'],
  ['max_batch_size: [ 1 ]', 1, 17, 'without [ ]'],
  ['input { name: foo }', 1, 15, 'write "foo", with the quotes'],
  ['input { data_type: FP32 }', 1, 20, 'did you mean TYPE_FP32?'],
  ['input { data_type: TYPE_FLOAT }', 1, 20, 'did you mean TYPE_FP32?'],
  ['input { data_type: "TYPE_INT8" }', 1, 20, 'write TYPE_INT8 without quotes'],
  ['instance_group { kind: KIND_CPUS }', 1, 24, 'did you mean KIND_CPU?'],
  ['instance_group { kind: 7 }', 1, 24, 'KIND_MODEL'],
  ['input [\n  { name: "a" }\n  { name: "b" }\n]', 3, 3, 'separate the elements with commas'],
  ['input [\n  { name: "a" }', 2, 16, "close the '[' of line 1"],
  ['name "m"', 1, 6, 'with a colon'],
  ['name: "m\n"', 1, 7, 'close it with "'],
  ['name: "\\q"', 1, 8, 'backslash'],
  ['name: "a" name: "b"', 1, 11, 'keep one of the two'],
  ['version_policy { all { } latest { } }', 1, 26, 'keep one of the two'],
  ['}', 1, 1, "open it with '{'"],
  ['name: "m";; platform: "p"', 1, 11, 'remove it'],
  ['parameters { key: "k" valeu { } }', 1, 23, '{ key: ... value: ... }'],
])('%j is refused with line, column and fix', (text, line, column, fix) => {
  const error = errorOf(text);
  expect(error.code).toBe('INTERNAL');
  expect(
    error.message.startsWith(`failed to read text proto from config.pbtxt:${line}:${column}: `),
  ).toBe(true);
  expect(error.hint).toMatchObject({ file: 'config.pbtxt', line, column });
  expect(error.hint?.fix).toContain(fix);
  expect(error.message.endsWith(`; ${error.hint?.fix}`)).toBe(true);
});

test('what is too long, holds NUL or is not UTF-8 is refused at once', () => {
  expect(errorOf(`name: "${'x'.repeat(modelConfigBytesMax)}"`).code).toBe('INVALID_ARG');
  expect(errorOf('name: "a\0"').hint).toMatchObject({ line: 1, column: 9 });
  const latin1 = Buffer.from('name: "m"\nplatform: "\xe9"', 'latin1');
  expect(() => parseModelConfigBytes(latin1, 'c')).toThrow(
    'failed to read text proto from c:2:12: bytes that are not UTF-8',
  );
  expect(() => parseModelConfigBytes(new Uint8Array(modelConfigBytesMax + 1), 'c')).toThrow(
    'longer',
  );
});

test('a byte order mark is passed over', () => {
  const bytes = Buffer.from('\uFEFFname: "m"');
  expect(parseModelConfigBytes(bytes, 'c').name).toBe('m');
});

test.each(['{', '[', 'input {', 'input { reshape {', '<'])(
  '%j a hundred thousand times is refused quickly',
  (part) => {
    const text = part.repeat(Math.min(100_000, Math.floor(500_000 / part.length)));
    expect(cpuTimeMs(() => expect(errorOf(text).code).toBe('INTERNAL'))).toBeLessThan(2000);
  },
);

test('a field is found where it stands, or the field around it', () => {
  const text =
    'input [\n  { name: "a" },\n  { name: "b"\n    dims: [ 1,\n      2 ] }\n]\nparameters { key: "k"\n value { string_value: "v" } }';
  expect(locateField(text, ['input', 1, 'dims'])).toEqual({ line: 4, column: 5 });
  expect(locateField(text, ['input', 1, 'dims', 1])).toEqual({ line: 5, column: 7 });
  expect(locateField(text, ['input', 0, 'dims'])).toEqual({ line: 2, column: 3 });
  expect(locateField(text, ['parameters', 'k', 'string_value'])).toEqual({ line: 8, column: 10 });
  expect(locateField(text, ['output', 0])).toBeNull();
});
