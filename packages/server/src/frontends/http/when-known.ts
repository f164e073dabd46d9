/** Hands a value on, at once where it is there. */
export function whenKnown<T>(
  value: T | Promise<T>,
  use: (value: T) => void,
): Promise<void> | undefined {
  if (value instanceof Promise) return value.then(use);
  use(value);
  return undefined;
}
