import { TritonError } from '@nereid/protocol';

/** Largest value of the int64 that Triton reads a version into. */
const versionMax = 9_223_372_036_854_775_807n;

/**
 * A version out of a path.
 * @param text Decimal digits, or '' for none.
 * @returns null for none: the highest version that is ready.
 * @throws TritonError INVALID_ARG with Triton's text.
 */
export function parseModelVersion(text: string): number | null {
  if (text === '') return null;
  if (text.length > 18 && BigInt(text) > versionMax) {
    throw new TritonError(
      'INVALID_ARG',
      `failed to get model version from specified version string '${text}' (details: stol), version should be an integral value > 0`,
    );
  }
  return Number(text);
}
