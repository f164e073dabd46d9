/**
 * The shape of a tensor on its way between a model that batches and one that does not: a batch of one
 * gains or loses its dimension where only that makes it fit. Everything else stays and is checked by
 * whoever gets it, as in Triton.
 *
 * @param dims What the receiver expects, without the batch dimension; -1 for any size.
 * @param batches Whether the receiver batches.
 * @param batchSize Of the tensor; 0 when its giver does not batch.
 */
export function shapeForReceiver(
  shape: readonly number[],
  dims: readonly number[],
  batches: boolean,
  batchSize: number,
): readonly number[] {
  if (batches === batchSize > 0) return shape;
  if (batches) return matches(dims, shape) ? [1, ...shape] : shape;
  return batchSize === 1 && !matches(dims, shape) ? shape.slice(1) : shape;
}

function matches(dims: readonly number[], shape: readonly number[]): boolean {
  return (
    dims.length === shape.length &&
    dims.every((dim, index) => dim === -1 || shape[index] === -1 || dim === shape[index])
  );
}
