import {
  decodeModelConfig,
  encodeModelConfig,
  modelConfigFromJson,
  modelConfigToJson,
  parseModelConfigText,
  TritonError,
} from '@nereid/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextScan } from '../packages/protocol/src/model-config/text-scan.ts';
import { completeModelConfig } from '../packages/server/src/model-config/complete.ts';
import {
  noGpus,
  normaliseInstanceGroups,
  validateInstanceGroups,
} from '../packages/server/src/model-config/instance-groups.ts';
import { normaliseConfig } from '../packages/server/src/model-config/normalise.ts';
import { validateModelIo } from '../packages/server/src/model-config/validate-io.ts';
import { validateModelConfig } from '../packages/server/src/model-config/validate-model.ts';

const callMsMax = 1000;

/** What `call` gives, or the TritonError that it throws; any other failure, and slowness, fails the test. */
function outcome<T>(call: () => T): T | TritonError {
  const start = performance.now();
  try {
    return call();
  } catch (error) {
    if (error instanceof TritonError) return error;
    throw error;
  } finally {
    expect(performance.now() - start).toBeLessThan(callMsMax);
  }
}

const piece = fc.constantFrom(
  ...[
    'name',
    'input',
    'dims',
    'data_type',
    'TYPE_FP32',
    'parameters',
    'key',
    'value',
    'string_value',
  ],
  ...[
    'max_batch_size',
    'version_policy',
    'latest',
    'all',
    'reshape',
    'kind',
    'KIND_CPU',
    'optional',
  ],
  ...[
    'instance_group',
    'dynamic_batching',
    'sequence_batching',
    'true',
    'inf',
    'minimum_slot_utilization',
  ],
  ...[
    'direct',
    '__proto__',
    'constructor',
    '[a.b]',
    ':',
    ':',
    ':',
    '{',
    '}',
    '{',
    '}',
    '<',
    '>',
    '[',
    ']',
  ],
  ...[
    ',',
    ';',
    '-',
    '"x"',
    "'y'",
    '"\\x41"',
    '"\\400"',
    '"',
    '0',
    '1',
    '-1',
    '0x1F',
    '017',
    '08',
    '1.5',
    '.5',
    '1e3f',
  ],
  ...[
    '18446744073709551616',
    '9223372036854775807',
    '# c\n',
    '\n',
    '\0',
    '\u00e9',
    '\ud800',
    '@',
    '/',
  ],
);
const pieces = fc.array(piece, { maxLength: 60 }).map((parts) => parts.join(' '));

test('any text is read or refused with a TritonError, and in time', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), pieces), (text) => {
      outcome(() => parseModelConfigText(text, 'fuzz'));
    }),
    { numRuns: 1500 },
  );
});

test('any JSON is read or refused with a TritonError', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ maxLength: 200 }),
        fc.json(),
        fc.json().map((json) => `{"input":[${json}]}`),
      ),
      (text) => {
        outcome(() => modelConfigFromJson(text));
      },
    ),
    { numRuns: 2000 },
  );
});

const name = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((text) => text.replaceAll('\0', ''));
const dims = fc.array(fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }), { maxLength: 4 });
const quoted = (text: string): string => {
  const bytes = [...Buffer.from(text)];
  return `"${bytes.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}"`;
};
const input = fc
  .record({
    name,
    dims,
    type: fc.nat({ max: 14 }),
    optional: fc.boolean(),
    reshape: fc.option(dims),
  })
  .map(
    (io) =>
      `input { name: ${quoted(io.name)} dims: [ ${io.dims.join(', ')} ] data_type: ${io.type} optional: ${io.optional} ${
        io.reshape === null ? '' : `reshape { shape: [ ${io.reshape.join(', ')} ] }`
      } }`,
  );
const parameter = fc
  .tuple(fc.oneof(name, fc.constant('__proto__')), name)
  .map(
    ([key, value]) => `parameters { key: ${quoted(key)} value { string_value: ${quoted(value)} } }`,
  );
const batching = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
  .map(
    ([delay, level]) =>
      `dynamic_batching { max_queue_delay_microseconds: ${delay} priority_queue_policy { key: ${level} } }`,
  );
const configText = fc
  .tuple(
    fc.array(input, { maxLength: 3 }),
    fc.array(parameter, { maxLength: 3 }),
    fc.option(batching),
  )
  .map(([inputs, parameters, scheduling]) =>
    [...inputs, ...parameters, scheduling ?? ''].join('\n'),
  );

test('text, JSON and binary carry the same configuration', () => {
  fc.assert(
    fc.property(configText, (text) => {
      const config = parseModelConfigText(text, 'fuzz');
      const json = modelConfigToJson(config);
      expect(() => JSON.parse(json)).not.toThrow();
      expect(modelConfigFromJson(json)).toEqual(config);
      expect(decodeModelConfig(encodeModelConfig(config))).toEqual(config);
    }),
    { numRuns: 500 },
  );
});

/** A good text with one token taken out, put in or replaced: close enough to be wrong in interesting places. */
const damaged = fc
  .tuple(configText, fc.nat(), piece, fc.constantFrom('remove', 'insert', 'replace'))
  .map(([text, at, token, how]) => {
    const tokens = text.match(/"(?:\\.|[^"])*"|[\w.]+|\S|\s+/g) ?? [];
    const index = tokens.length === 0 ? 0 : at % tokens.length;
    tokens.splice(index, how === 'insert' ? 0 : 1, ...(how === 'remove' ? [] : [` ${token} `]));
    return tokens.join('');
  });

test('the scan that explains errors agrees with the parser on what is an error', () => {
  fc.assert(
    fc.property(fc.oneof(pieces, damaged), (text) => {
      if (text.includes('\0')) return;
      const result = outcome(() => parseModelConfigText(text, 'fuzz'));
      const problem = new TextScan(text, []).run();
      // A value that text format takes and we refuse is no fault of the text.
      const refused = result instanceof TritonError && result.code === 'INTERNAL';
      expect(problem !== null, text).toBe(refused);
    }),
    { numRuns: 3000 },
  );
});

test('any configuration is completed, normalised and validated, or refused with a TritonError', () => {
  const steps = [validateModelConfig, validateModelIo] as const;
  fc.assert(
    fc.property(fc.oneof(pieces, damaged, configText), fc.boolean(), (text, ensemble) => {
      const kind = ensemble ? 'platform: "ensemble"' : 'backend: "b"';
      const written = `name: "m" ${kind}\n${text}`;
      const source = { fileName: 'fuzz', text: written };
      const config = outcome(() => normaliseConfig(parseModelConfigText(written, 'fuzz')));
      if (config instanceof TritonError) return;
      for (const validate of steps) outcome(() => validate(config, source));
      outcome(() =>
        validateInstanceGroups(normaliseInstanceGroups(config, noGpus), noGpus, source),
      );
      const shape = [-1, 4];
      const tensor = { name: 'x', dataType: 'FP32', typeName: 'tensor(float)', shape } as const;
      const signature = { inputs: [tensor], outputs: [tensor] };
      outcome(() => completeModelConfig(config, signature, { defaultMaxBatchSize: 4 }));
    }),
    { numRuns: 1500 },
  );
});
