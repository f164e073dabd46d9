/** The same thing measured several times. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** @param values At least one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((left, right) => left - right);
  const { length } = sorted;
  if (length === 0) throw new Error('nothing was measured');
  const upper = sorted[length >> 1]!;
  const median = length % 2 === 1 ? upper : (sorted[length / 2 - 1]! + upper) / 2;
  return { min: sorted[0]!, median, max: sorted[length - 1]! };
}

/**
 * How one contestant did beside another, round by round: neighbours in time share the noise of the
 * machine, so their ratio is steadier than that of two medians.
 */
export function ratioOf(values: readonly number[], references: readonly number[]): Spread {
  return spreadOf(values.map((value, round) => value / references[round]!));
}
