/** The same values, another one first in each round: whoever goes first, or after whom, does not always. */
export function rotated<T>(values: readonly T[], round: number): readonly T[] {
  const first = round % values.length;
  return [...values.slice(first), ...values.slice(0, first)];
}
