const int64Max = 0x7fff_ffff_ffff_ffffn;

/** What 2^64 - 1 becomes as an int64: the mark of a size that varies. */
const wildcard = 0xffff_ffff_ffff_ffffn;

/** `[1,16]`, as Triton prints shapes: sizes of 2^63 and more come out negative there, and here. */
export function shapeText(shape: readonly (number | bigint)[]): string {
  return `[${shape.map((dim) => BigInt.asIntN(64, BigInt(dim))).join(',')}]`;
}

/**
 * The number of elements, 0 for an empty shape as well. Whatever comes first decides: a size of 0, one
 * that is -1 as an int64 (`wildcard`) or another negative one (`invalid`), or a product past 2^63 - 1
 * (`overflow`).
 */
export function elementCountOf(
  shape: readonly (number | bigint)[],
): number | 'wildcard' | 'invalid' | 'overflow' {
  if (shape.length === 0) return 0;
  let product = 1;
  for (let i = 0; i < shape.length; i++) {
    const dim = shape[i] as number | bigint;
    if (dim === 0) return 0;
    product = typeof dim === 'number' ? product * dim : Number.POSITIVE_INFINITY;
    if (product > Number.MAX_SAFE_INTEGER) return exactElementCount(shape);
  }
  return product;
}

function exactElementCount(
  shape: readonly (number | bigint)[],
): number | 'wildcard' | 'invalid' | 'overflow' {
  let product = 1n;
  for (const dim of shape) {
    const size = BigInt(dim);
    if (size === wildcard) return 'wildcard';
    if (size > int64Max) return 'invalid';
    if (size === 0n) return 0;
    product *= size;
    if (product > int64Max) return 'overflow';
  }
  return Number(product);
}
