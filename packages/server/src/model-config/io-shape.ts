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

/**
 * The shape in which the model takes an input whose request shape has been found valid: the same unless
 * the configuration reshapes it.
 * @param shape of the request, batch dimension included
 */
export function inputShapeForModel(
  config: ModelConfig,
  input: ModelInput,
  shape: readonly number[],
): readonly number[] {
  if (input.reshape === null) return shape;
  return reshaped(config, shape, input.dims, input.reshape.shape);
}

/**
 * The shape in which a client gets an output: the model's own unless the configuration reshapes it.
 * @param shape as the model gave it, batch dimension included
 */
export function outputShapeForClient(
  config: ModelConfig,
  output: ModelOutput,
  shape: readonly number[],
): readonly number[] {
  if (output.reshape === null) return shape;
  return reshaped(config, shape, output.reshape.shape, output.dims);
}

/** Sizes that vary keep their values, in order; fixed sizes are those of the target. */
function reshaped(
  config: ModelConfig,
  shape: readonly number[],
  from: readonly number[],
  to: readonly number[],
): readonly number[] {
  const batch = config.max_batch_size > 0 ? shape.slice(0, 1) : [];
  const varying = from.flatMap((size, index) =>
    size === -1 ? [shape[index + batch.length] ?? 1] : [],
  );
  let next = 0;
  return [...batch, ...to.map((size) => (size === -1 ? (varying[next++] ?? 1) : size))];
}
