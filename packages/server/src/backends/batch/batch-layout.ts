import type { BatchInput, ModelConfig, ModelOutput } from '@nereid/protocol';

/** An output that is parted by the shapes that one input has in each request. */
export interface ScatteredOutput {
  readonly sourceInput: string;
  /** With the batch dimension where the model batches; -1 is the source input's size at that place. */
  readonly shape: readonly number[];
}

/** How requests become one batch and its outputs parts again; derived from the configuration once. */
export interface BatchLayout {
  /** Whether the first dimension of an output is the batch. */
  readonly batches: boolean;
  /** Inputs whose elements follow one another in one dimension, whatever shapes the requests give them. */
  readonly ragged: ReadonlySet<string>;
  /** Inputs that requests do not have: they tell the model of the batch as a whole. */
  readonly batchInputs: readonly BatchInput[];
  /** By output name; usually empty. */
  readonly scattered: ReadonlyMap<string, ScatteredOutput>;
}

export function batchLayoutOf(config: ModelConfig): BatchLayout {
  const ragged = config.input.filter((input) => input.allow_ragged_batch);
  const scattered = config.batch_output.flatMap(({ target_name, source_input }) =>
    target_name.map((name): [string, ScatteredOutput] => {
      const output = config.output.find((candidate) => candidate.name === name) as ModelOutput;
      const dims = output.reshape?.shape ?? output.dims;
      const shape = config.max_batch_size > 0 ? [-1, ...dims] : dims;
      return [name, { sourceInput: source_input[0] as string, shape }];
    }),
  );
  return {
    batches: config.max_batch_size > 0,
    ragged: new Set(ragged.map((input) => input.name)),
    batchInputs: config.batch_input,
    scattered: new Map(scattered),
  };
}
