/** A dimension whose size varies, and the element count of a shape that has one. */
export const variableSize = -1;

/** The number of elements of a shape; `variableSize` when it has a size that varies, 0 for no dimensions. */
export function elementCount(shape: readonly number[]): bigint {
  if (shape.length === 0) return 0n;
  if (shape.includes(variableSize)) return BigInt(variableSize);
  return shape.reduce((count, dimension) => count * BigInt(dimension), 1n);
}
