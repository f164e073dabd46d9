const int64Max = 0x7fff_ffff_ffff_ffffn;

/** `[1,16]`, as Triton prints shapes: sizes of 2^63 and more come out negative there, and here. */
export function shapeText(shape: readonly (number | bigint)[]): string {
  return `[${shape.map((dim) => BigInt.asIntN(64, BigInt(dim))).join(',')}]`;
}

/**
 * The number of elements; `invalid` where a size does not fit into an int64, `overflow` where the
 * product does not.
 */
export function elementCountOf(
  shape: readonly (number | bigint)[],
): number | 'invalid' | 'overflow' {
  let product = 1;
  for (const dim of shape) product *= Number(dim);
  if (product === 0) return 0;
  if (product <= Number.MAX_SAFE_INTEGER) return product;
  if (shape.some((dim) => BigInt(dim) > int64Max)) return 'invalid';
  const exact = shape.reduce<bigint>((count, dim) => count * BigInt(dim), 1n);
  return exact > int64Max ? 'overflow' : Number(exact);
}
