/**
 * A decoded header: names and values of equal index belong together, in the order sent. Each byte is
 * a character. The same object stands for every repetition of the same block, so it never changes.
 */
export interface HeaderList {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** The header was larger than the limit: what it held is lost. */
  readonly tooLarge: boolean;
}

/** First value of a field, or null. */
export function headerValue(list: HeaderList, name: string): string | null {
  const index = list.names.indexOf(name);
  return index < 0 ? null : (list.values[index] ?? null);
}
