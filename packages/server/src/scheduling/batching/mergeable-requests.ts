import type { ModelConfig, ModelInput, Tensor } from '@nereid/protocol';
import type { InferRequest } from '../../core/infer-request.ts';

/** Tells whether two requests of a model may run as one batch. */
export type MayMerge = (first: InferRequest, next: InferRequest) => boolean;

/**
 * Two requests may merge when they have the same inputs, of the same types, and of shapes that differ
 * in the batch dimension only. Ragged inputs may have any shape. Which outputs they ask for does not
 * matter: a batch computes all that any of its requests asked for.
 */
export function mayMergeOf(config: ModelConfig): MayMerge {
  const ranks = ranksOf(config);
  const ragged = new Set(
    config.input.filter((input) => input.allow_ragged_batch).map((input) => input.name),
  );
  return (first, next) => {
    const count = first.inputs.length;
    if (next.inputs.length !== count) return false;
    for (let i = 0; i < count; i++) {
      const a = first.inputs[i] as Tensor;
      // Clients list their inputs in the same order, most of the time.
      const inPlace = next.inputs[i] as Tensor;
      const b = inPlace.name === a.name ? inPlace : inputNamed(next, a.name);
      if (b === null || a.dataType !== b.dataType) return false;
      // A request with a batch of none reaches the backend without its batch dimension.
      if (a.shape.length !== ranks.get(a.name) || b.shape.length !== a.shape.length) return false;
      if (!ragged.has(a.name) && !sameRows(a.shape, b.shape)) return false;
    }
    return true;
  };
}

/** Dimensions of every input, those that a sequence scheduler adds included. */
function ranksOf({ input, sequence_batching: batching }: ModelConfig): Map<string, number> {
  return new Map([
    ...input.map((tensor): [string, number] => [tensor.name, rankOf(tensor)]),
    ...(batching?.control_input ?? []).map(({ name }): [string, number] => [name, 2]),
    ...(batching?.state ?? []).map((state): [string, number] => [
      state.input_name,
      1 + state.dims.length,
    ]),
  ]);
}

function rankOf(input: ModelInput): number {
  return 1 + (input.reshape?.shape ?? input.dims).length;
}

function inputNamed(request: InferRequest, name: string): Tensor | null {
  return request.inputs.find((tensor) => tensor.name === name) ?? null;
}

function sameRows(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 1; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
