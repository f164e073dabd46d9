/**
 * The shape of an input out of what the model says, with -1 for what varies, and what was given. Sizes that vary
 * are 1 but for the last of them, which takes what there is; a batch of one need not be written.
 * @param given The shape as written, by nested lists or a file; null where there is only a row of elements.
 * @returns null when it does not fit.
 */
export function inputShape(
  wanted: readonly number[],
  count: number,
  given: readonly number[] | null,
): readonly number[] | null {
  if (given !== null && fits(wanted, given)) return given;
  if (given !== null && fits(wanted, [1, ...given])) return [1, ...given];
  const varying = wanted.flatMap((dimension, at) => (dimension < 0 ? [at] : []));
  const fixed = wanted.reduce((product, size) => (size < 0 ? product : product * size), 1);
  const last = varying.at(-1);
  if (last === undefined) return fixed === count ? wanted : null;
  const size = fixed === 0 ? 0 : count / fixed;
  if (!Number.isInteger(size)) return null;
  return wanted.map((dimension, at) => (at === last ? size : dimension < 0 ? 1 : dimension));
}

function fits(wanted: readonly number[], given: readonly number[]): boolean {
  return (
    wanted.length === given.length &&
    wanted.every((dimension, at) => dimension < 0 || dimension === given[at])
  );
}
