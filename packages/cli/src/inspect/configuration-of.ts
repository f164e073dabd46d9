import { modelConfigFromJson, modelConfigToText } from '@nereid/protocol';
import { CommandError, usageError } from '../command/exit-status.ts';
import type { DeclaredTensor, ModelFile } from './model-file.ts';

/** What a server gives a model that can batch, when nothing is said. */
const batchSizeDefault = 4;

/**
 * The `config.pbtxt` of a model, as a server would complete it.
 * @param maxBatchSize null for what the file allows: 4 when all its first dimensions vary, else no batches.
 * @throws CommandError
 */
export function configurationOf(
  name: string,
  file: ModelFile,
  maxBatchSize: number | null,
): string {
  const tensors = [...file.inputs, ...file.outputs];
  const unserved = tensors.find((tensor) => tensor.dataType === null && tensor.shape !== null);
  if (unserved !== undefined) {
    throw new CommandError(`'${unserved.name}' is of a type that no server has a tensor for`);
  }
  const canBatch = tensors.every(({ shape }) => shape === null || shape[0] === -1);
  if (maxBatchSize !== null && maxBatchSize > 0 && !canBatch) {
    throw usageError(
      '--max-batch-size: the first dimension of its inputs and outputs does not vary',
    );
  }
  const knows = tensors.every(({ shape }) => shape !== null);
  const size = maxBatchSize ?? (canBatch && knows ? batchSizeDefault : 0);
  const config = {
    name,
    ...(file.platform === ''
      ? { backend: file.backend }
      : { platform: file.platform, backend: file.backend }),
    max_batch_size: size,
    input: file.inputs.map((tensor) => entry(tensor, size > 0)),
    output: file.outputs.map((tensor) => entry(tensor, size > 0)),
    ...(size > 1 ? { dynamic_batching: {} } : {}),
    ...parametersOf(file),
  };
  const notes = file.notes.map((note) => `# ${note}\n`).join('');
  return notes + modelConfigToText(modelConfigFromJson(JSON.stringify(config)));
}

function parametersOf({ parameters }: ModelFile): object {
  const entries = Object.entries(parameters);
  if (entries.length === 0) return {};
  return {
    parameters: Object.fromEntries(entries.map(([name, value]) => [name, { string_value: value }])),
  };
}

function entry({ name, dataType, shape, optional }: DeclaredTensor, batches: boolean): object {
  const data_type = dataType ?? 'TYPE_FP32';
  if (shape === null) return { name, data_type, dims: [-1], ...(optional ? { optional } : {}) };
  const dims = batches ? shape.slice(1) : shape;
  if (dims.length > 0) return { name, data_type, dims };
  // Dims cannot be empty: a scalar is one element. In a batch it reaches the model without that dimension; alone
  // the backend takes it off, since servers refuse to.
  return { name, data_type, dims: [1], ...(batches ? { reshape: { shape: [] } } : {}) };
}
