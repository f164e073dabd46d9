import type {
  FieldPath,
  ModelConfig,
  ModelInput,
  ModelOutput,
  SequenceControlInput,
  SequenceControlKind,
} from '@nereid/protocol';
import { checkSequenceStates } from './check-states.ts';
import { refuseNonTensors } from './complete.ts';
import { type ConfigSource, configError, invalidConfig } from './config-source.ts';
import { configTypeOf, type ModelSignature, type SignatureTensor } from './model-signature.ts';

/**
 * Checks a complete configuration against what an ONNX model's file declares, in Triton's order.
 * @param source the file that it was read from, for the hint's line; null for an override
 * @throws ModelConfigError with the texts of Triton's onnxruntime backend
 */
export function checkModelAgainstSignature(
  config: ModelConfig,
  signature: ModelSignature,
  source: ConfigSource | null = null,
): void {
  refuseNonTensors(signature);
  const controls = checkSequenceControls(config, signature, source);
  checkInputCount(config, signature, controls, source);
  checkSequenceStates(config, signature, source);
  const inputs = new Map(
    [...signature.inputs, ...(signature.overridableInitializers ?? [])].map((t) => [t.name, t]),
  );
  for (const [index, input] of config.input.entries()) {
    checkInput(config, input, inputs, ['input', index], source);
  }
  const outputs = new Map(signature.outputs.map((tensor) => [tensor.name, tensor]));
  for (const [index, output] of config.output.entries()) {
    checkOutput(config, output, outputs, ['output', index], source);
  }
}

const controlKinds: readonly SequenceControlKind[] = [
  'CONTROL_SEQUENCE_START',
  'CONTROL_SEQUENCE_END',
  'CONTROL_SEQUENCE_READY',
  'CONTROL_SEQUENCE_CORRID',
];

/** @returns how many inputs of the model are sequence controls */
function checkSequenceControls(
  config: ModelConfig,
  signature: ModelSignature,
  source: ConfigSource | null,
): number {
  let count = 0;
  for (const kind of controlKinds) {
    for (const [index, input] of (config.sequence_batching?.control_input ?? []).entries()) {
      if (!input.control.some((control) => control.kind === kind)) continue;
      const path = ['sequence_batching', 'control_input', index];
      checkControl(config, input, kind, signature, path, source);
      count += 1;
    }
  }
  return count;
}

function checkControl(
  config: ModelConfig,
  input: SequenceControlInput,
  kind: SequenceControlKind,
  signature: ModelSignature,
  path: FieldPath,
  source: ConfigSource | null,
): void {
  const tensor = signature.inputs.find((candidate) => candidate.name === input.name);
  if (tensor === undefined) {
    const message = `configuration specified sequence control '${input.name}', but model does not provide that input`;
    const fix = `use one of ${signature.inputs.map(({ name }) => name).join(', ')}`;
    throw configError('INTERNAL', message, source, [...path, 'name'], fix);
  }
  const start = `unable to load model '${config.name}', sequence control '${input.name}'`;
  const dims = tensor.shape.slice(config.max_batch_size > 0 ? 1 : 0);
  if (dims.length !== 1 || dims[0] !== 1) {
    const message = `${start} in model has dims ${shapeText(dims)} but dims [1] is expected`;
    throw invalidConfig(message, source, path, 'export the model with one element for the control');
  }
  const control = input.control.find((candidate) => candidate.kind === kind);
  const type =
    kind === 'CONTROL_SEQUENCE_CORRID'
      ? control?.data_type
      : control?.int32_false_true.length !== 0
        ? 'TYPE_INT32'
        : control.fp32_false_true.length !== 0
          ? 'TYPE_FP32'
          : 'TYPE_BOOL';
  if (type === configTypeOf(tensor)) return;
  throw invalidConfig(
    `${start}, the model expects data-type ${onnxTypeName(tensor)} but the model configuration specifies data-type ${type}`,
    source,
    [...path, 'control'],
    `give the values as ${configTypeOf(tensor)}`,
  );
}

function checkInputCount(
  config: ModelConfig,
  signature: ModelSignature,
  controls: number,
  source: ConfigSource | null,
): void {
  const expected =
    config.input.filter((input) => !input.optional).length +
    config.batch_input.length +
    controls +
    (config.sequence_batching?.state.length ?? 0);
  if (signature.inputs.length === expected) return;
  const names = signature.inputs.map(({ name }) => name).join(', ');
  throw invalidConfig(
    `unable to load model '${config.name}', configuration expects ${expected} inputs, model provides ${signature.inputs.length}`,
    source,
    ['input'],
    `list the model's inputs (${names}), or remove input to have it filled in`,
  );
}

function checkInput(
  config: ModelConfig,
  input: ModelInput,
  tensors: ReadonlyMap<string, SignatureTensor>,
  path: FieldPath,
  source: ConfigSource | null,
): void {
  const start = `unable to load model '${config.name}', `;
  if (input.optional && config.max_batch_size !== 0) {
    const message = `${start}optional input '${input.name}' is not supported for models that support batching`;
    throw invalidConfig(message, source, [...path, 'optional'], 'set max_batch_size to 0');
  }
  const tensor = checkNameAndType(config, input, 'input', tensors, path, source);
  if (!input.allow_ragged_batch) {
    checkDims(config, input, tensor, false, path, source);
    return;
  }
  const ragged = [...path, 'allow_ragged_batch'];
  if (input.optional) {
    const message = `${start}configuration expects model provides input with shape [-1] for ragged input '${input.name}', which is not supported for optional input`;
    throw invalidConfig(message, source, ragged, 'remove allow_ragged_batch or optional');
  }
  if (tensor.shape.length === 1 && tensor.shape[0] === -1) return;
  // The two spaces are Triton's.
  const message = `${start}configuration expects model provides input with shape [-1]  for ragged input '${input.name}', model provides ${shapeText(tensor.shape)}`;
  throw invalidConfig(message, source, ragged, 'remove allow_ragged_batch');
}

function checkOutput(
  config: ModelConfig,
  output: ModelOutput,
  tensors: ReadonlyMap<string, SignatureTensor>,
  path: FieldPath,
  source: ConfigSource | null,
): void {
  const tensor = checkNameAndType(config, output, 'output', tensors, path, source);
  const scattered = config.batch_output.some((batch) => batch.target_name.includes(output.name));
  if (!scattered) checkDims(config, output, tensor, true, path, source);
}

function checkNameAndType(
  config: ModelConfig,
  io: ModelInput | ModelOutput,
  kind: 'input' | 'output',
  tensors: ReadonlyMap<string, SignatureTensor>,
  path: FieldPath,
  source: ConfigSource | null,
): SignatureTensor {
  const tensor = tensors.get(io.name);
  if (tensor === undefined) {
    const sorted = [...tensors.keys()].sort((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    const allowed = sorted.join(', ');
    const message = `unexpected inference ${kind} '${io.name}', allowed ${kind}s are: ${allowed}`;
    throw invalidConfig(message, source, [...path, 'name'], `use one of ${allowed}`);
  }
  const type = io.data_type;
  if (type === 'TYPE_INVALID') {
    const message = `unsupported datatype ${type} for ${kind} '${io.name}' for model '${config.name}'`;
    throw configError('INTERNAL', message, source, [...path, 'data_type'], 'set data_type');
  }
  const provided = configTypeOf(tensor);
  if (type === provided) return tensor;
  const wireType = tensor.dataType ?? '<invalid>';
  throw invalidConfig(
    `unable to load model '${config.name}', configuration expects datatype ${type} for ${kind} '${io.name}', model provides TYPE_${wireType}`,
    source,
    [...path, 'data_type'],
    provided === 'TYPE_INVALID'
      ? `no data_type stands for ${tensor.typeName}`
      : `write data_type: ${provided}`,
  );
}

/** @param exact whether a size that varies in the model must vary in the configuration, too */
function checkDims(
  config: ModelConfig,
  io: ModelInput | ModelOutput,
  tensor: SignatureTensor,
  exact: boolean,
  path: FieldPath,
  source: ConfigSource | null,
): void {
  const dims = io.reshape?.shape ?? io.dims;
  const field = [...path, io.reshape === null ? 'dims' : 'reshape'];
  if (tensor.shape.length === 0) {
    checkScalar(config, io, dims, field, source);
    return;
  }
  const start = `model '${config.name}', tensor '${io.name}': `;
  const batches = config.max_batch_size > 0;
  if (batches && tensor.shape[0] !== -1) {
    throw invalidConfig(
      `${start}for the model to support batching the shape should have at least 1 dimension and the first dimension must be -1; but shape expected by the model is ${shapeText(tensor.shape)}`,
      source,
      ['max_batch_size'],
      `set max_batch_size to 0 and dims to ${shapeText(tensor.shape)}`,
    );
  }
  const full = batches ? [-1, ...dims] : dims;
  const fits =
    full.length === tensor.shape.length &&
    tensor.shape.every((size, index) => size === full[index] || (!exact && size === -1));
  if (fits) return;
  const given = batches
    ? `(an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, making complete shape ${shapeText(full)})`
    : `(shape ${shapeText(full)})`;
  const wanted = shapeText(tensor.shape.slice(batches ? 1 : 0));
  throw invalidConfig(
    `${start}the model expects ${tensor.shape.length} dimensions (shape ${shapeText(tensor.shape)}) but the model configuration specifies ${full.length} dimensions ${given}`,
    source,
    field,
    `write ${io.reshape === null ? 'dims' : 'the shape of reshape'} as ${wanted}`,
  );
}

/** A scalar of the model may be one element in any number of dimensions. */
function checkScalar(
  config: ModelConfig,
  io: ModelInput | ModelOutput,
  dims: readonly number[],
  field: FieldPath,
  source: ConfigSource | null,
): void {
  if (dims.every((size) => size === 1)) return;
  const message = `unable to load model '${config.name}', scalar tensor '${io.name}', should only provide 1 in the model configuration when the model doesn't support batching. Model configuration provided: ${shapeText(dims)}.`;
  throw invalidConfig(message, source, field, 'write dims as [ 1 ]');
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(',')}]`;
}

const onnxTypeNames: Readonly<Record<string, string>> = {
  FP16: 'FLOAT16',
  FP32: 'FLOAT',
  FP64: 'DOUBLE',
  BYTES: 'STRING',
  BF16: 'BFLOAT16',
};

function onnxTypeName(tensor: SignatureTensor): string {
  return onnxTypeNames[tensor.dataType ?? ''] ?? tensor.dataType ?? 'UNDEFINED';
}
