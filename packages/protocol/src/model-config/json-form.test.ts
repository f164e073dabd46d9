import { expect, test } from 'vitest';
import { decodeModelConfig, encodeModelConfig } from './binary-form.ts';
import { modelConfigFromJson } from './json-input.ts';
import { modelConfigToJson } from './json-output.ts';
import { emptyModelConfig } from './message-value.ts';
import { modelConfigType } from './protobuf-types.ts';
import { parseModelConfigText } from './text-format.ts';

const rich = parseModelConfigText(
  `name: "m" backend: "onnxruntime" max_batch_size: 8
   version_policy { specific { versions: [ 1, 3 ] } }
   input { name: "a" data_type: TYPE_FP32 dims: [ 1, -1 ] reshape { } }
   optimization { cuda { graph_spec { input { key: "a" value { dim: [ 1 ] } } } } }
   dynamic_batching {
     max_queue_delay_microseconds: 18446744073709551615
     priority_queue_policy { key: 3 value { timeout_action: DELAY } }
   }
   instance_group { kind: KIND_CPU secondary_devices { device_id: 5 } }
   parameters { key: "__proto__" value { string_value: "x\\"y" } }
   model_warmup { inputs { key: "a" value { random_data: false } } }
   model_metrics { metric_control { histogram_options { buckets: [ 0.1, 1 ] } } }`,
  'config.pbtxt',
);

test('the JSON has every plain field, and messages only when they are set', () => {
  expect(modelConfigToJson({ ...emptyModelConfig(), name: 'm' })).toBe(
    '{"name":"m","platform":"","backend":"","runtime":"","max_batch_size":0,"input":[],"output":[],' +
      '"batch_input":[],"batch_output":[],"instance_group":[],"default_model_filename":"",' +
      '"cc_model_filenames":{},"metric_tags":{},"parameters":{},"model_warmup":[]}',
  );
});

test('64-bit integers are exact numbers, but for three that Triton leaves as strings', () => {
  const json = modelConfigToJson(rich);
  expect(json).toContain('"max_queue_delay_microseconds":18446744073709551615,');
  expect(json).toContain('"versions":[1,3]');
  expect(json).toContain('"dims":[1,-1],"reshape":{"shape":[]}');
  expect(json).toContain('"input":{"a":{"dim":["1"]}}');
  expect(json).toContain('"device_id":"5"');
  expect(json).toContain('"priority_queue_policy":{"3":{"timeout_action":"DELAY"');
  expect(json).toContain('"parameters":{"__proto__":{"string_value":"x\\"y"}}');
});

test('single-precision values print as they were written', () => {
  const text = 'sequence_batching { direct { minimum_slot_utilization: 0.1 } }';
  const json = modelConfigToJson(parseModelConfigText(text, 'c'));
  expect(json).toContain('"minimum_slot_utilization":0.1}');
});

test('JSON and binary give the same configuration back', () => {
  const json = modelConfigToJson(rich);
  expect(modelConfigToJson(modelConfigFromJson(json))).toBe(json);
  expect(modelConfigToJson(decodeModelConfig(encodeModelConfig(rich)))).toBe(json);
  expect(decodeModelConfig(encodeModelConfig(rich))).toEqual(rich);
});

test('the binary form has the wire numbers of the protocol', () => {
  const config = { ...emptyModelConfig(), name: 'm', backend: 'b', max_batch_size: 8 };
  expect(Buffer.from(encodeModelConfig(config)).toString('hex')).toBe('0a016d20088a010162');
  expect(modelConfigType().fullName).toBe('.inference.ModelConfig');
  expect(() => decodeModelConfig(new Uint8Array([0xff, 0xff]))).toThrow(
    'invalid model configuration',
  );
});

test('repeated numbers are packed', () => {
  const config = parseModelConfigText('input { dims: [ 1, 2 ] }', 'c');
  expect(Buffer.from(encodeModelConfig(config)).toString('hex')).toBe('2a0422020102');
});

test('JSON input takes all forms of protobuf JSON', () => {
  const config = modelConfigFromJson(
    `{"maxBatchSize":"4","input":[{"dataType":"type_fp32","dims":["4",5.0,6e0]},{"data_type":8}],
      "dynamic_batching":{"max_queue_delay_microseconds":18446744073709551615},"optimization":null}`,
  );
  expect(config.max_batch_size).toBe(4);
  expect(config.input.map((input) => input.data_type)).toEqual(['TYPE_FP32', 'TYPE_INT32']);
  expect(config.input[0]?.dims).toEqual([4, 5, 6]);
  expect(config.dynamic_batching?.max_queue_delay_microseconds).toBe(18446744073709551615n);
  expect(config.optimization).toBeNull();
});

test.each([
  '{backend:"b",maxBatchSize:2,input:[{name:"X",dims:[1]}]}',
  "{'backend':'b','max_batch_size':2,'input':[{'name':'X','dims':['1']}]}",
  '{"backend":"b","max_batch_size":2,"input":[{"name":"X","dims":[1 , ],},],}',
  '{"backend":"\\q",max_batch_size : 3,"max_batch_size":2,"input":[{"name":"X","dims":[1]}]}',
])('%s is read as protobuf reads it', (text) => {
  const { backend, max_batch_size, input } = modelConfigFromJson(text);
  expect([backend.replace('q', 'b'), max_batch_size]).toEqual(['b', 2]);
  expect(input).toMatchObject([{ name: 'X', dims: [1] }]);
});

test('keys without quotes and texts in either quotes keep what is in them', () => {
  const text = String.raw`{parameters:{a$b_1:{string_value:'x"y'},"a'b":{string_value:"{a:1,}\n\u00e9"},}}`;
  expect([...modelConfigFromJson(text).parameters]).toEqual([
    ['a$b_1', { string_value: 'x"y' }],
    ["a'b", { string_value: '{a:1,}\né' }],
  ]);
});

test.each([
  '{/*x*/}',
  '{"platform":TYPE}',
  '{parameters:{a-b:{string_value:"x"}}}',
  '{parameters:{1a:{string_value:"x"}}}',
  '{parameters:{true:{string_value:"x"}}}',
  '{"max_batch_size":+2}',
  '{"max_batch_size":02}',
  '{"max_batch_size":0x2}',
  '{"max_batch_size":NaN}',
  '{"max_batch_size":2,,"name":"a"}',
  '{"max_batch_size":2} x',
  '{"platform":"x',
  "{'platform':'",
  "'\\".repeat(200_000),
])('%.40j is not read, as by protobuf', (text) => {
  expect(() => modelConfigFromJson(text)).toThrow(/not JSON/u);
});

test.each([
  ['', 'not JSON'],
  ['[]', 'the configuration is not a JSON object'],
  ['{"foo":1}', "unknown field 'foo' in the configuration"],
  ['{"input":[{"datatype":1}]}', "did you mean 'data_type'?"],
  ['{"name":1}', "'1' is not a value for name"],
  ['{"name":"\\ud800"}', 'it takes a JSON string'],
  ['{"max_batch_size":"x"}', "'x' is not a value for max_batch_size"],
  ['{"max_batch_size":1.5}', 'it takes an integer'],
  ['{"max_batch_size":2147483648}', 'from -2147483648 to 2147483647'],
  ['{"input":{}}', 'input is not a JSON list'],
  ['{"input":[null]}', 'input[0] is null'],
  ['{"input":[{"dims":[9007199254740993]}]}', 'within ±(2^53 - 1)'],
  ['{"input":[{"data_type":"FP32"}]}', 'did you mean TYPE_FP32?'],
  ['{"input":[{"optional":"true"}]}', 'without quotes'],
  ['{"parameters":[]}', 'parameters is not a JSON object'],
  ['{"dynamic_batching":{},"sequence_batching":{}}', 'keep one of the two'],
  ['{"dynamic_batching":{"priority_queue_policy":{"-1":{}}}}', 'from 0 to 18446744073709551615'],
  ['['.repeat(400_000), 'not JSON'],
  [' '.repeat(600_000), 'longer than'],
])('%.60j is refused', (text, reason) => {
  expect(() => modelConfigFromJson(text)).toThrow(
    expect.objectContaining({
      code: 'INVALID_ARG',
      message: expect.stringMatching(/^Invalid config override: /),
    }),
  );
  expect(() => modelConfigFromJson(text)).toThrow(reason);
});
