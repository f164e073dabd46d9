import { type ModelConfig, parseModelConfigText } from '@nereid/protocol';
import { expect, test } from 'vitest';
import { checkModelAgainstSignature } from './check-signature.ts';
import { completeModelConfig, needsCompletion } from './complete.ts';
import type { ModelSignature, SignatureTensor } from './model-signature.ts';

const config = (text: string): ModelConfig =>
  parseModelConfigText(`name: "m" ${text}`, 'config.pbtxt');
const tensor = (
  name: string,
  shape: readonly number[],
  dataType: SignatureTensor['dataType'] = 'FP32',
): SignatureTensor => ({ name, shape, dataType, typeName: 'tensor(float)' });
const model = (
  inputs: readonly SignatureTensor[],
  outputs: readonly SignatureTensor[],
): ModelSignature => ({ inputs, outputs });
const addSub = model(
  [tensor('INPUT0', [-1, 4]), tensor('INPUT1', [-1, 4])],
  [tensor('OUTPUT0', [-1, 4]), tensor('OUTPUT1', [-1, 4])],
);
const options = { defaultMaxBatchSize: 4 };

test('a model without a configuration gets everything, dynamic batching included', () => {
  const complete = completeModelConfig(config(''), addSub, options);
  expect(complete.max_batch_size).toBe(4);
  expect(complete.dynamic_batching?.preferred_batch_size).toEqual([4]);
  // The order is that of Triton's hash table, not of the graph.
  expect(complete.input.map((io) => [io.name, io.data_type, io.dims])).toEqual([
    ['INPUT1', 'TYPE_FP32', [4]],
    ['INPUT0', 'TYPE_FP32', [4]],
  ]);
  expect(complete.output.map((io) => io.name)).toEqual(['OUTPUT1', 'OUTPUT0']);
  expect(needsCompletion(complete)).toBe(false);
  expect(() => checkModelAgainstSignature(complete, addSub)).not.toThrow();
});

test('what is given stays', () => {
  const input = 'input { name: "INPUT0" data_type: TYPE_FP32 dims: 4 }';
  const complete = completeModelConfig(config(`max_batch_size: 1 ${input}`), addSub, options);
  expect(complete.input.map((io) => io.name)).toEqual(['INPUT0']);
  expect(complete.output).toHaveLength(2);
  expect(complete.max_batch_size).toBe(1);
  expect(complete.dynamic_batching).toBeNull();
  const sequence = completeModelConfig(config('sequence_batching { }'), addSub, options);
  expect(sequence.dynamic_batching).toBeNull();
});

test('a default batch size of 0 or 1 leaves dynamic batching out', () => {
  const one = completeModelConfig(config(''), addSub, { defaultMaxBatchSize: 1 });
  expect([one.max_batch_size, one.dynamic_batching]).toEqual([1, null]);
  const none = completeModelConfig(config(''), addSub, { defaultMaxBatchSize: 0 });
  expect([none.max_batch_size, none.input[0]?.dims]).toEqual([0, [-1, 4]]);
});

test('a model whose first dimension is fixed does not batch', () => {
  const fixed = model([tensor('x', [2, 3], 'INT64')], [tensor('y', [-1], 'BYTES')]);
  const complete = completeModelConfig(config(''), fixed, options);
  expect(complete).toMatchObject({
    max_batch_size: 0,
    dynamic_batching: null,
    input: [{ data_type: 'TYPE_INT64', dims: [2, 3] }],
    output: [{ data_type: 'TYPE_STRING', dims: [-1] }],
  });
  expect(() => completeModelConfig(config('max_batch_size: 4'), fixed, options)).toThrow(
    "autofill failed for model 'm': model does not support batching while non-zero max_batch_size is specified",
  );
});

test('a scalar has dims 1, and with batching a reshape to none', () => {
  const batched = completeModelConfig(
    config(''),
    model([tensor('x', [-1])], [tensor('y', [-1])]),
    options,
  );
  expect(batched.input[0]).toMatchObject({ dims: [1], reshape: { shape: [] } });
  const scalar = completeModelConfig(
    config(''),
    model([tensor('x', [])], [tensor('y', [])]),
    options,
  );
  expect(scalar.input[0]).toMatchObject({ dims: [1], reshape: null });
});

test('a sequence is no tensor', () => {
  const sequence = { ...tensor('s', [], null), typeName: 'sequence' };
  expect(() => completeModelConfig(config(''), model([sequence], []), options)).toThrow(
    expect.objectContaining({
      code: 'UNSUPPORTED',
      message:
        "Unsupported ONNX Type 'ONNX_TYPE_SEQUENCE' for I/O 's', expected 'ONNX_TYPE_TENSOR'.",
    }),
  );
});

const inputs = (...texts: string[]): string =>
  texts
    .map((text, index) => `input { name: "INPUT${index}" data_type: TYPE_FP32 ${text} }`)
    .join(' ');
const start = "unable to load model 'm', ";

test.each([
  [
    `max_batch_size: 8 ${inputs('dims: 4')}`,
    `${start}configuration expects 1 inputs, model provides 2`,
  ],
  [
    'max_batch_size: 8 input { name: "A" data_type: TYPE_FP32 dims: 4 } input { name: "INPUT1" data_type: TYPE_FP32 dims: 4 }',
    "unexpected inference input 'A', allowed inputs are: INPUT0, INPUT1",
  ],
  [
    'max_batch_size: 8 input { name: "INPUT0" data_type: TYPE_STRING dims: 4 } input { name: "INPUT1" data_type: TYPE_FP32 dims: 4 }',
    `${start}configuration expects datatype TYPE_STRING for input 'INPUT0', model provides TYPE_FP32`,
  ],
  [
    `max_batch_size: 8 ${inputs('dims: 5', 'dims: 4')}`,
    "model 'm', tensor 'INPUT0': the model expects 2 dimensions (shape [-1,4]) but the model configuration specifies 2 dimensions (an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, making complete shape [-1,5])",
  ],
  [
    inputs('dims: 4', 'dims: 4'),
    "model 'm', tensor 'INPUT0': the model expects 2 dimensions (shape [-1,4]) but the model configuration specifies 1 dimensions (shape [4])",
  ],
  [
    `max_batch_size: 8 ${inputs('dims: 4', 'dims: 4 optional: true')}`,
    `${start}configuration expects 1 inputs, model provides 2`,
  ],
  [
    `max_batch_size: 8 ${inputs('dims: 4', 'dims: 4')} output { name: "O" data_type: TYPE_FP32 dims: 4 }`,
    "unexpected inference output 'O', allowed outputs are: OUTPUT0, OUTPUT1",
  ],
  [
    `max_batch_size: 8 ${inputs('dims: 4', 'dims: 4')} output { name: "OUTPUT0" data_type: TYPE_FP32 dims: -1 }`,
    "model 'm', tensor 'OUTPUT0': the model expects 2 dimensions (shape [-1,4]) but the model configuration specifies 2 dimensions (an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, making complete shape [-1,-1])",
  ],
  [
    `${inputs('dims: [ -1, 4 ] allow_ragged_batch: true', 'dims: [ -1, 4 ]')}`,
    `${start}configuration expects model provides input with shape [-1]  for ragged input 'INPUT0', model provides [-1,4]`,
  ],
])('%j does not fit the model', (text, message) => {
  expect(() => checkModelAgainstSignature(config(text), addSub)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARG', message }),
  );
});

test('a reshape is what the model must take', () => {
  const wide = model([tensor('x', [-1, 2, 2])], []);
  const text =
    'max_batch_size: 4 input { name: "x" data_type: TYPE_FP32 dims: 4 reshape { shape: [ 2, 2 ] } }';
  expect(() => checkModelAgainstSignature(config(text), wide)).not.toThrow();
});

test('an input of fixed first dimension cannot batch', () => {
  const text = 'max_batch_size: 4 input { name: "x" data_type: TYPE_FP32 dims: 4 }';
  expect(() => checkModelAgainstSignature(config(text), model([tensor('x', [1, 4])], []))).toThrow(
    "model 'm', tensor 'x': for the model to support batching the shape should have at least 1 dimension and the first dimension must be -1; but shape expected by the model is [1,4]",
  );
});

test('a scalar of the model may only be ones', () => {
  const scalar = model([tensor('x', [])], []);
  const text = (dims: string) => config(`input { name: "x" data_type: TYPE_FP32 dims: ${dims} }`);
  expect(() => checkModelAgainstSignature(text('[ 1, 1 ]'), scalar)).not.toThrow();
  expect(() => checkModelAgainstSignature(text('2'), scalar)).toThrow(
    `${start}scalar tensor 'x', should only provide 1 in the model configuration when the model doesn't support batching. Model configuration provided: [2].`,
  );
});

test('sequence controls must be inputs of the model with one element', () => {
  const text = (name: string) =>
    config(
      `max_batch_size: 4 input { name: "x" data_type: TYPE_FP32 dims: 4 }
       sequence_batching { control_input { name: "${name}" control { int32_false_true: [ 0, 1 ] } } }`,
    );
  const good = model([tensor('x', [-1, 4]), tensor('c', [-1, 1], 'INT32')], []);
  expect(() => checkModelAgainstSignature(text('c'), good)).not.toThrow();
  expect(() => checkModelAgainstSignature(text('d'), good)).toThrow(
    expect.objectContaining({
      code: 'INTERNAL',
      message:
        "configuration specified sequence control 'd', but model does not provide that input",
    }),
  );
  const wide = model([tensor('x', [-1, 4]), tensor('c', [-1, 2], 'INT32')], []);
  expect(() => checkModelAgainstSignature(text('c'), wide)).toThrow(
    `${start}sequence control 'c' in model has dims [2] but dims [1] is expected`,
  );
  const float = model([tensor('x', [-1, 4]), tensor('c', [-1, 1])], []);
  expect(() => checkModelAgainstSignature(text('c'), float)).toThrow(
    `${start}sequence control 'c', the model expects data-type FLOAT but the model configuration specifies data-type TYPE_INT32`,
  );
});
