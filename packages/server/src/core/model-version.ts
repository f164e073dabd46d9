import { TritonError } from '@nereid/protocol';

const int64Max = 9_223_372_036_854_775_807n;

/**
 * A version as a client writes it, read as C++'s `stol` does: leading blanks and a sign are taken,
 * whatever follows the digits is ignored.
 *
 * @param text '' for none.
 * @returns null for none: the highest version that is ready.
 * @throws TritonError INVALID_ARG with Triton's texts.
 */
export function parseModelVersion(text: string): number | null {
  if (text === '') return null;
  const digits = /^[ \t\n\v\f\r]*([+-]?)([0-9]+)/.exec(text);
  const [, sign, magnitude] = digits ?? [];
  if (magnitude === undefined || (magnitude.length > 18 && BigInt(magnitude) > int64Max)) {
    throw new TritonError(
      'INVALID_ARG',
      `failed to get model version from specified version string '${text}' (details: stol), version should be an integral value > 0`,
    );
  }
  const version = Number(magnitude);
  if (sign === '-' && version !== 0) {
    throw new TritonError(
      'INVALID_ARG',
      `invalid model version specified '${text}' , version should be an integral value > 0`,
    );
  }
  return version;
}
