/** Elements of a tensor of this shape; 1 for a scalar. */
export function elementCountOf(shape: readonly number[]): number {
  let count = 1;
  for (const dim of shape) count *= dim;
  return count;
}
