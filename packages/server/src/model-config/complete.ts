import { type ModelConfig, type ModelInput, type ModelOutput, TritonError } from '@nereid/protocol';
import { unorderedMapOrder } from '../core/unordered-map-order.ts';
import { configError } from './config-source.ts';
import { configTypeOf, type ModelSignature, type SignatureTensor } from './model-signature.ts';
import { normaliseConfig } from './normalise.ts';

export interface CompletionOptions {
  /** `--backend-config=onnxruntime,default-max-batch-size=N`: what a model that can batch gets. */
  readonly defaultMaxBatchSize: number;
}

/** Whether the model's file has to be asked: inputs or outputs are missing from the configuration. */
export function needsCompletion(config: ModelConfig): boolean {
  const inputs = config.input.length + config.batch_input.length;
  return inputs === 0 || config.output.length === 0;
}

/**
 * Fills in what an ONNX model's file tells: inputs, outputs and whether it can batch. A model can when
 * the first dimension of every input and output varies; it then gets a batch size if it has none, and
 * dynamic batching if it has no scheduler. The caller says in its log when max_batch_size has changed.
 * @returns the completed configuration, normalised anew; the same one when nothing is missing
 * @throws ModelConfigError INVALID_ARG when max_batch_size is set and the model cannot batch
 * @throws TritonError UNSUPPORTED when an input or output is no tensor
 */
export function completeModelConfig(
  config: ModelConfig,
  signature: ModelSignature,
  options: CompletionOptions,
): ModelConfig {
  if (!needsCompletion(config)) return config;
  refuseNonTensors(signature);
  const batching = completeBatching(config, signature, options);
  const batches = batching.max_batch_size > 0;
  return normaliseConfig({
    ...batching,
    input:
      config.input.length + config.batch_input.length > 0
        ? config.input
        : inTableOrder(signature.inputs).map((tensor) => inputOf(tensor, batches)),
    output:
      config.output.length > 0
        ? config.output
        : inTableOrder(signature.outputs).map((tensor) => outputOf(tensor, batches)),
  });
}

/** @throws TritonError UNSUPPORTED for sequences, maps and other values that are no tensors */
export function refuseNonTensors(signature: ModelSignature): void {
  for (const { name, dataType, typeName } of [...signature.inputs, ...signature.outputs]) {
    if (dataType !== null || typeName.startsWith('tensor')) continue;
    throw new TritonError(
      'UNSUPPORTED',
      `Unsupported ONNX Type 'ONNX_TYPE_${typeName.toUpperCase()}' for I/O '${name}', expected 'ONNX_TYPE_TENSOR'.`,
    );
  }
}

function completeBatching(
  config: ModelConfig,
  signature: ModelSignature,
  options: CompletionOptions,
): ModelConfig {
  const tensors = [...signature.inputs, ...signature.outputs];
  if (!tensors.every((tensor) => tensor.shape[0] === -1)) {
    if (config.max_batch_size === 0) return config;
    throw configError(
      'INVALID_ARG',
      `autofill failed for model '${config.name}': model does not support batching while non-zero max_batch_size is specified`,
      null,
      ['max_batch_size'],
      'set max_batch_size to 0, or export the model with a first dimension that varies',
    );
  }
  const maxBatchSize =
    config.max_batch_size === 0 ? options.defaultMaxBatchSize : config.max_batch_size;
  const scheduled =
    config.dynamic_batching !== null ||
    config.sequence_batching !== null ||
    config.ensemble_scheduling !== null;
  return {
    ...config,
    max_batch_size: maxBatchSize,
    dynamic_batching:
      maxBatchSize > 1 && !scheduled ? emptyDynamicBatching : config.dynamic_batching,
  };
}

const emptyDynamicBatching: ModelConfig['dynamic_batching'] = {
  preferred_batch_size: [],
  max_queue_delay_microseconds: 0,
  preserve_ordering: false,
  priority_levels: 0,
  default_priority_level: 0,
  default_queue_policy: null,
  priority_queue_policy: new Map(),
};

/** The order that Triton's table of tensors has; clients that take inputs by position depend on it. */
function inTableOrder(tensors: readonly SignatureTensor[]): readonly SignatureTensor[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return unorderedMapOrder([...byName.keys()]).map((name) => byName.get(name) as SignatureTensor);
}

function outputOf(tensor: SignatureTensor, batches: boolean): ModelOutput {
  const dims = batches ? tensor.shape.slice(1) : tensor.shape;
  return {
    name: tensor.name,
    data_type: configTypeOf(tensor),
    dims: dims.length === 0 ? [1] : dims,
    // Dims cannot be empty, so a scalar is one element that reaches the model without that dimension.
    // Without batching there would be no dimension left, which is not a valid configuration.
    reshape: dims.length === 0 && batches ? { shape: [] } : null,
    label_filename: '',
    is_shape_tensor: false,
    is_non_linear_format_io: false,
  };
}

function inputOf(tensor: SignatureTensor, batches: boolean): ModelInput {
  const { name, data_type, dims, reshape } = outputOf(tensor, batches);
  return {
    name,
    data_type,
    format: 'FORMAT_NONE',
    dims,
    reshape,
    is_shape_tensor: false,
    allow_ragged_batch: false,
    optional: false,
    is_non_linear_format_io: false,
  };
}
