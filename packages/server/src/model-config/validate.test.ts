import { emptyModelConfig, type ModelConfigError, parseModelConfigText } from '@nereid/protocol';
import { expect, test } from 'vitest';
import { normaliseConfig } from './normalise.ts';
import { validateModelIo } from './validate-io.ts';
import { validateDirectoryName, validateModelConfig } from './validate-model.ts';

/** The error of a configuration that is called m; null when there is none. */
function errorOf(text: string): ModelConfigError | null {
  const source = { fileName: 'config.pbtxt', text: `name: "m"\n${text}` };
  const config = normaliseConfig(parseModelConfigText(source.text, source.fileName));
  try {
    validateModelConfig(config, source);
    validateModelIo(config, source);
    return null;
  } catch (error) {
    return error as ModelConfigError;
  }
}

const b = 'backend: "b"\n';
const control = (text: string): string =>
  `${b}sequence_batching { control_input { name: "c" control { ${text} } } }`;

test.each([
  ['', "unexpected platform type '' for m", 'platform'],
  ['platform: "p"', "unexpected platform type 'p' for m", 'platform'],
  [
    'platform: "ensemble" backend: "b"',
    "Ensemble model 'm' must have platform type 'ensemble' and empty backend type",
    'backend',
  ],
  [
    'backend: "onnxruntime" platform: "tensorrt_plan"',
    "unexpected 'platform' and 'backend' pair, got:tensorrt_plan, onnxruntime",
    'platform',
  ],
  [`${b}max_batch_size: -1`, "'max_batch_size' must be non-negative value for m", 'max_batch_size'],
  [
    `${b}max_batch_size: 4 dynamic_batching { preferred_batch_size: [ 2, 0 ] }`,
    'dynamic batching preferred size must be positive for m',
    'dynamic_batching.preferred_batch_size[1]',
  ],
  [
    `${b}max_batch_size: 4 dynamic_batching { preferred_batch_size: [ 8 ] }`,
    'dynamic batching preferred size must be <= max batch size for m',
    'dynamic_batching.preferred_batch_size[0]',
  ],
  [
    `${b}dynamic_batching { priority_levels: 2 }`,
    'default priority level must be in range [1, 2] for m',
    'dynamic_batching.default_priority_level',
  ],
  [
    `${b}dynamic_batching { priority_levels: 2 default_priority_level: 3 }`,
    'default priority level must be in range [1, 2] for m',
    'dynamic_batching.default_priority_level',
  ],
  [
    `${b}dynamic_batching { priority_levels: 2 default_priority_level: 1 priority_queue_policy { key: 3 } }`,
    'priority queue policy must have priority level in range [1, 2] for m',
    'dynamic_batching.priority_queue_policy["3"]',
  ],
  [
    `${b}dynamic_batching { priority_levels: 2 default_priority_level: 1 preserve_ordering: true }`,
    "Only one priority level is allowed when 'preserve_ordering' is true for m",
    'dynamic_batching.priority_levels',
  ],
  [
    `${b}dynamic_batching { preserve_ordering: true default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 1 } }`,
    "Queue policy can not have DELAY as timeout action when 'preserve_ordering' is true for m",
    'dynamic_batching.default_queue_policy.timeout_action',
  ],
  [
    `${b}sequence_batching { } response_cache { enable: true }`,
    'Response Cache does not currently support model m with sequence batching scheduler. Please disable the response cache.',
    'response_cache',
  ],
  [
    `${b}sequence_batching { control_input { } }`,
    'sequence batching control tensor must have a name for m',
    'sequence_batching.control_input[0]',
  ],
  [
    control('kind: CONTROL_SEQUENCE_END'),
    "sequence batching must specify either 'int32_false_true', 'fp32_false_true' or 'bool_false_true' for CONTROL_SEQUENCE_END for m",
    'sequence_batching.control_input[0].control[0]',
  ],
  [
    control('int32_false_true: [ 0, 1 ] fp32_false_true: [ 0, 1 ]'),
    "sequence batching specifies more than one from 'int32_false_true', 'fp32_false_true' and 'bool_false_true' for CONTROL_SEQUENCE_START for m",
    'sequence_batching.control_input[0].control[0]',
  ],
  [
    control('bool_false_true: true'),
    "sequence batching control 'bool_false_true' must have exactly 2 entries for CONTROL_SEQUENCE_START for m",
    'sequence_batching.control_input[0].control[0].bool_false_true',
  ],
  [
    control('int32_false_true: [ 0, 1 ] } control { int32_false_true: [ 0, 1 ]'),
    'sequence batching specifies multiple CONTROL_SEQUENCE_START tensors for m',
    'sequence_batching.control_input[0].control[1]',
  ],
  [
    control('kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_FP32'),
    'unexpected data type for control CONTROL_SEQUENCE_CORRID for m. Allowed data types are TYPE_UINT64, TYPE_INT64, TYPE_UINT32, TYPE_INT32 and TYPE_STRING',
    'sequence_batching.control_input[0].control[0].data_type',
  ],
  [
    control('kind: CONTROL_SEQUENCE_CORRID int32_false_true: 1'),
    "sequence batching must not specify either 'int32_false_true', 'fp32_false_true' or 'bool_false_true' for CONTROL_SEQUENCE_CORRID for m",
    'sequence_batching.control_input[0].control[0]',
  ],
  [
    `${b}max_batch_size: 1 sequence_batching { oldest { preferred_batch_size: 2 } }`,
    'sequence batching preferred batch size must be <= max batch size for m',
    'sequence_batching.oldest.preferred_batch_size[0]',
  ],
  [
    `${b}sequence_batching { direct { minimum_slot_utilization: 1.5 } }`,
    'sequence batching minimum slot utilization must be in range (0.0, 1.0] for m',
    'sequence_batching.direct.minimum_slot_utilization',
  ],
  [
    'platform: "ensemble"',
    'ensemble scheduling must be set for ensemble m whose platform is ensemble',
    'platform',
  ],
  [
    `${b}model_transaction_policy { decoupled: true } response_cache { enable: true }`,
    "Response Cache does not currently support model m with 'decoupled' transaction policy. Please disable the response cache.",
    'response_cache',
  ],
  [
    `${b}model_metrics { metric_control { } }`,
    "metric control must specify 'metric_identifier'",
    'model_metrics.metric_control[0]',
  ],
  [`${b}input { }`, "model input must specify 'name' for m", 'input[0].name'],
  [
    `${b}input { name: "x" }`,
    "model input 'x' must specify 'data_type' for m",
    'input[0].data_type',
  ],
  [
    `${b}output { name: "x" data_type: TYPE_FP32 }`,
    "model output 'x' must specify 'dims' for m",
    'output[0].dims',
  ],
  [
    `${b}input { name: "x" data_type: TYPE_FP32 dims: 0 }`,
    "model input 'x' dimension must be integer >= 1, or -1 to indicate a variable-size dimension for m",
    'input[0].dims',
  ],
  [
    `${b}input { name: "x" data_type: TYPE_FP32 dims: 1 reshape { } }`,
    "model input 'x' cannot have empty reshape for non-batching model as scalar tensors are not supported for m",
    'input[0].reshape',
  ],
  [
    `${b}input { name: "x" data_type: TYPE_FP32 dims: 4 reshape { shape: 3 } }`,
    "model input 'x' has different size for dims and reshape for m",
    'input[0].reshape',
  ],
  [
    `${b}input { name: "x" data_type: TYPE_FP32 dims: [ 2, -1, 2 ] reshape { shape: [ 4, -1 ] } }`,
    "model input 'x' has different size for dims and reshape for m",
    'input[0].reshape',
  ],
  [
    `${b}input { name: "x" data_type: TYPE_FP32 dims: [ -1, -1 ] reshape { shape: [ -1 ] } }`,
    "model input 'x' has different number of variable-size dimensions for dims and reshape for m",
    'input[0].reshape',
  ],
  [
    `${b}input { name: "x" data_type: TYPE_FP32 dims: 1 format: FORMAT_NHWC }`,
    'model input NHWC/NCHW require 3 dims for m',
    'input[0].dims',
  ],
  [
    `${b}input { name: "x" data_type: TYPE_FP32 dims: 1 is_shape_tensor: true }`,
    'shape tensors are only supported for TensorRT platform for m',
    'input[0].is_shape_tensor',
  ],
  [
    `${b}output { name: "x" data_type: TYPE_FP32 dims: 1 is_non_linear_format_io: true }`,
    'Non-linear IO format is only supported for the TensorRT platform for m',
    'output[0].is_non_linear_format_io',
  ],
  [
    `${b}batch_input { }`,
    "batch input kind 'BATCH_ELEMENT_COUNT' expects 1 source input, got 0 for m",
    'batch_input[0].source_input',
  ],
  [
    `${b}batch_input { source_input: "a" data_type: TYPE_INT32 }`,
    "unknown source input name 'a' for m",
    'batch_input[0].source_input',
  ],
  [
    `${b}batch_input { source_input: "a" }`,
    'batch input data type must be TYPE_INT32 or TYPE_FP32 for m',
    'batch_input[0].data_type',
  ],
])('%j is refused as Triton does', (text, message, field) => {
  const error = errorOf(text);
  expect(error?.message).toBe(message);
  expect(error?.code).toBe('INVALID_ARG');
  expect(error?.hint?.field).toBe(field);
  expect(error?.hint?.fix).not.toBe('');
});

test.each([
  `${b}max_batch_size: 2147483647 dynamic_batching { }`,
  `${b}dynamic_batching { }`,
  `${b}platform: "anything"`,
  'backend: "onnxruntime" platform: "onnxruntime_onnx"',
  'backend: "pytorch" platform: "torch_aoti"',
  `${b}sequence_batching { direct { } }`,
  `${b}input { name: "x" data_type: TYPE_FP32 dims: [ 2, 4, -1, 6 ] reshape { shape: [ 8, -1, 1, 6 ] } }`,
  `${b}max_batch_size: 1 input { name: "x" data_type: TYPE_FP32 dims: [ 1, 1 ] reshape { } }`,
])('%j is good', (text) => {
  expect(errorOf(text)).toBeNull();
});

test('the hint tells the line of the field', () => {
  const error = errorOf(`${b}input [\n  { name: "x" data_type: TYPE_FP32\n    dims: [ 0 ] }\n]`);
  expect(error?.hint).toMatchObject({ file: 'config.pbtxt', line: 5, column: 5 });
});

test('the folder and the configuration agree on the name', () => {
  const config = { ...emptyModelConfig(), name: 'a' };
  expect(() => validateDirectoryName(config, 'a')).not.toThrow();
  expect(() => validateDirectoryName(config, 'b')).toThrow(
    "unexpected directory name 'b' for model 'a', directory name must equal model name",
  );
});
