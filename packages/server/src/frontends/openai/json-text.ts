/** A value of a request as JSON; integers beyond 2^53 lose digits. */
export function jsonText(schema: unknown): string {
  return JSON.stringify(schema, (_, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
}
