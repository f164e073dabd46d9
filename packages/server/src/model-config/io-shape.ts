import type { ModelConfig, ModelInput, ModelOutput } from '@nereid/protocol';

/**
 * The shape that a request's input has, and that metadata tells: the configuration's dims, after a
 * batch dimension when the model batches. -1 is a size that varies.
 */
export function expectedInputShape(config: ModelConfig, input: ModelInput): readonly number[] {
  return withBatchDimension(config, input.dims);
}

/** The shape that an output has in a response, and that metadata tells. */
export function expectedOutputShape(config: ModelConfig, output: ModelOutput): readonly number[] {
  return withBatchDimension(config, output.dims);
}

function withBatchDimension(config: ModelConfig, dims: readonly number[]): readonly number[] {
  return config.max_batch_size >= 1 ? [-1, ...dims] : dims;
}
