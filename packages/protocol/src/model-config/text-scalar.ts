import type { FieldContent, ScalarType } from '../message-schema.ts';
import { type FieldPath, formatPath } from './message-value.ts';
import { nearestName } from './nearest-name.ts';
import { show, TextProblem, type TextToken, type TextTokens } from './text-tokens.ts';

const takes: Record<ScalarType, string> = {
  string: 'text in quotes',
  bool: 'true or false',
  int32: 'an integer from -2147483648 to 2147483647',
  uint32: 'an integer from 0 to 4294967295',
  int64: 'an integer',
  uint64: 'an integer, 0 or larger',
  float: 'a number',
  double: 'a number',
  bytes: 'text in quotes',
};

const integerRanges: Partial<Record<ScalarType, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Names that people use for element types, and what the configuration calls them. */
const typeNames: Record<string, string> = {
  FLOAT: 'TYPE_FP32',
  FLOAT16: 'TYPE_FP16',
  FLOAT32: 'TYPE_FP32',
  FLOAT64: 'TYPE_FP64',
  HALF: 'TYPE_FP16',
  DOUBLE: 'TYPE_FP64',
  BFLOAT16: 'TYPE_BF16',
  BYTES: 'TYPE_STRING',
  INT: 'TYPE_INT32',
  LONG: 'TYPE_INT64',
};

/**
 * Takes one plain value and checks that the field can hold it.
 * @returns the value's text: a string's content with its escapes as written, or the digits of a number.
 * @throws TextProblem
 */
export function checkScalar(
  tokens: TextTokens,
  content: Exclude<FieldContent, { kind: 'message' }>,
  path: FieldPath,
): string {
  const first = tokens.next();
  if (first === null) {
    throw new TextProblem(
      tokens.text.length,
      `the end of the text where ${formatPath(path)} needs a value`,
      `it takes ${expectation(content)}`,
    );
  }
  if (content.kind === 'scalar' && content.scalar === 'string')
    return stringText(tokens, first, path);
  const negative = first.kind === 'punct' && first.text === '-';
  const token = negative ? tokens.next() : first;
  const written = `${negative ? '-' : ''}${token?.text ?? ''}`;
  if (token !== null && fits(content, token, negative)) return written;
  throw new TextProblem(
    first.offset,
    `${show(written)} is not a value for ${formatPath(path)}`,
    content.kind === 'enum' ? enumFix(written, content.values) : `it takes ${expectation(content)}`,
  );
}

function stringText(tokens: TextTokens, first: TextToken, path: FieldPath): string {
  if (first.kind !== 'string') {
    const quoted = first.kind === 'punct' ? 'text in quotes' : `"${first.text}", with the quotes`;
    throw new TextProblem(
      first.offset,
      `${show(first.text)} is not a value for ${formatPath(path)}`,
      `write ${quoted}`,
    );
  }
  let text = first.text.slice(1, -1);
  // Strings that stand one after the other are one string.
  while (tokens.peek()?.kind === 'string') text += tokens.next()?.text.slice(1, -1);
  return text;
}

function fits(
  content: Exclude<FieldContent, { kind: 'message' }>,
  token: TextToken,
  negative: boolean,
): boolean {
  if (content.kind === 'enum') {
    if (token.kind === 'word') return !negative && content.values.includes(token.text);
    const value = integer(token);
    return !negative && value !== null && value < BigInt(content.values.length);
  }
  switch (content.scalar) {
    case 'bool':
      if (negative) return false;
      return token.kind === 'word'
        ? /^(?:true|True|t|false|False|f)$/.test(token.text)
        : (integer(token) ?? 2n) < 2n;
    case 'float':
    case 'double':
      if (token.kind === 'word') return /^(?:inf|infinity|nan)$/i.test(token.text);
      return token.kind === 'number' && !/^0[xX0-7]/.test(token.text);
    default:
      return inRange(content.scalar, token, negative);
  }
}

function inRange(scalar: ScalarType, token: TextToken, negative: boolean): boolean {
  const range = integerRanges[scalar];
  const value = integer(token);
  if (range === undefined || value === null) return false;
  if (negative && range[0] === 0n) return false;
  const signed = negative ? -value : value;
  return signed >= range[0] && signed <= range[1];
}

/** The value of an integer token: decimal, 0x hexadecimal or 0 octal. */
function integer(token: TextToken): bigint | null {
  if (token.kind !== 'number' || token.text.length > 40) return null;
  if (/^0[xX]/.test(token.text)) return BigInt(token.text);
  if (/^0[0-7]+$/.test(token.text)) return BigInt(`0o${token.text.slice(1)}`);
  return /^(?:0|[1-9][0-9]*)$/.test(token.text) ? BigInt(token.text) : null;
}

function expectation(content: Exclude<FieldContent, { kind: 'message' }>): string {
  return content.kind === 'enum' ? `one of ${content.values.join(', ')}` : takes[content.scalar];
}

/** What to do about a word that is not a value of an enumeration. */
export function enumFix(written: string, values: readonly string[]): string {
  const name = written.replaceAll(/^["']|["']$/g, '');
  if (values.includes(name)) return `write ${name} without quotes`;
  const common = values.includes('TYPE_FP32')
    ? typeNames[name.toUpperCase().replace(/^TYPE_/, '')]
    : undefined;
  const near = common ?? nearestName(name, values);
  return near === null ? `it takes one of ${values.join(', ')}` : `did you mean ${near}?`;
}
