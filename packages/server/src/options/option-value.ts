import type { OptionKind } from './option-spec.ts';

/** A value that cannot be accepted. Its message goes to the user, after the name of the flag. */
export class OptionError extends Error {
  override readonly name: string = 'OptionError';
}

const int32Max = 2 ** 31 - 1;

/** Reads a boolean as Triton does: true, on, 1, false, off, 0 in any case. */
export function parseBoolean(text: string): boolean {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'on' || lower === '1') return true;
  if (lower === 'false' || lower === 'off' || lower === '0') return false;
  throw new OptionError(`invalid value for bool option: ${text}`);
}

/**
 * Reads a whole number. Stricter than Triton, whose `std::stoi` takes 8000abc for 8000: what is
 * mistyped should be heard of.
 */
export function parseInteger(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new OptionError(`Invalid option value. Got ${text}`);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new OptionError(`Provided option value is out of bound. Got ${text}`);
  }
  return value;
}

/** `true` is 1 and `false` is 0, as `--log-verbose` has it. */
export function parseIntegerOrBoolean(text: string): number {
  const lower = text.toLowerCase();
  if (lower === 'true') return 1;
  if (lower === 'false') return 0;
  return parseInteger(text);
}

/** Reads a decimal number. */
export function parseNumber(text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    throw new OptionError(`Invalid option value. Got ${text}`);
  }
  const value = Number(text);
  if (!Number.isFinite(value)) {
    throw new OptionError(`Provided option value is out of bound. Got ${text}`);
  }
  return value;
}

/** Reads `text` as `kind` says, only to see whether it can be. @throws OptionError */
export function checkKind(kind: OptionKind, text: string): void {
  if (kind === 'boolean') parseBoolean(text);
  else if (kind === 'integer') parseInteger(text);
  else if (kind === 'integerOrBoolean') parseIntegerOrBoolean(text);
  else if (kind === 'number') parseNumber(text);
}

/** Accepts integers from `min` to `max`, both included. */
export function between(min: number, max: number): (value: string) => string | null {
  return (value) => {
    const number = parseInteger(value);
    return number >= min && number <= max
      ? null
      : `Provided option value is out of bound, which is ${min} to ${max}. Got ${value}`;
  };
}

/** Accepts any 32-bit integer, the range of most of Triton's numbers. */
export const int32: (value: string) => string | null = between(-int32Max - 1, int32Max);

/** Accepts port numbers; 0 takes any free one. */
export const port: (value: string) => string | null = between(0, 65_535);

/** Accepts one of `choices`, in any case unless `exactCase`. */
export function oneOf(
  flag: string,
  choices: readonly string[],
  exactCase = false,
): (value: string) => string | null {
  return (value) =>
    choices.includes(exactCase ? value : value.toLowerCase())
      ? null
      : `invalid argument for --${flag}, which is one of ${choices.join(', ')}. Got ${value}`;
}
