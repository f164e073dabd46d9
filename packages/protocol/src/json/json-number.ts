import { jsonSyntaxError } from './json-syntax-error.ts';
import { JsonDouble } from './json-value.ts';

const minus = 0x2d;
const plus = 0x2b;
const point = 0x2e;
const zero = 0x30;

const int64Min = -0x8000_0000_0000_0000n;
const uint64Max = 0xffff_ffff_ffff_ffffn;

/** Digits whose integer is exact as a double whatever they are. */
export const exactDigitsMax = 15;

/** Shorter texts without an exponent are not too big for a double. */
const finiteCharactersMax = 300;

/** Longer texts, sign included, are no integers of 64 bits. Reading millions of digits as a bigint takes minutes. */
const integerCharactersMax = 20;

/** What a number's text turned out to be. */
export type JsonNumberKind = 'integer' | 'double' | 'literal';

/** Reads the numbers of one text, NaN, Inf and Infinity among them. Makes no object for a small integer. */
export class JsonNumberScanner {
  readonly bytes: Buffer;
  /** Offset behind the number that was read last. */
  end = 0;
  /** Of the number that was skipped last. */
  kind: JsonNumberKind = 'integer';

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /**
   * Checks the number at `start`, also whether a double can hold it, and tells its `kind`.
   * @returns the offset behind it.
   * @throws TritonError with rapidjson's texts.
   */
  skip(start: number, limit: number): number {
    const bytes = this.bytes;
    let at = start;
    if (at < limit && bytes[at] === minus) at++;
    const first = at < limit ? (bytes[at] as number) : 0;
    this.kind = 'integer';
    if (first === zero) {
      at++;
    } else if (first >= 0x31 && first <= 0x39) {
      at = skipDigits(bytes, at, limit);
    } else {
      this.kind = 'literal';
      this.end = skipLiteral(bytes, at, limit);
      return this.end;
    }
    if (at < limit && bytes[at] === point) {
      this.kind = 'double';
      const digits = at + 1;
      at = skipDigits(bytes, digits, limit);
      if (at === digits) throw jsonSyntaxError('fraction', at);
    }
    if (at < limit && ((bytes[at] as number) | 0x20) === 0x65) {
      this.kind = 'double';
      at++;
      if (at < limit && (bytes[at] === plus || bytes[at] === minus)) at++;
      const digits = at;
      at = skipDigits(bytes, digits, limit);
      if (at === digits) throw jsonSyntaxError('exponent', at);
      this.double(start, at);
    } else if (at - start > finiteCharactersMax) {
      this.double(start, at);
    }
    this.end = at;
    return at;
  }

  /** The number at `start`: an exact integer as number or bigint, everything else as JsonDouble. */
  read(start: number, limit: number): number | bigint | JsonDouble {
    const end = this.skip(start, limit);
    if (this.kind === 'literal') return new JsonDouble(literalValue(this.bytes, start));
    if (this.kind === 'double') return new JsonDouble(this.double(start, end));
    if (end - start <= exactDigitsMax) return smallInteger(this.bytes, start, end);
    const integer = this.integer(start, end);
    if (integer === null || integer < int64Min || integer > uint64Max) {
      return new JsonDouble(this.double(start, end));
    }
    const number = Number(integer);
    return Number.isSafeInteger(number) ? number : integer;
  }

  /** The integer whose digits stand there; null where it has more of them than any of 64 bits. */
  integer(start: number, end: number): bigint | null {
    if (end - start > integerCharactersMax) return null;
    return BigInt(this.bytes.toString('latin1', start, end));
  }

  /** The double that the text from `start` to `end` stands for. @throws TritonError when it is too big for one. */
  double(start: number, end: number): number {
    const value = Number(this.bytes.toString('latin1', start, end));
    if (!Number.isFinite(value)) throw jsonSyntaxError('numberTooBig', start);
    return value;
  }
}

/** The value of a NaN or Infinity literal that `skip` has found. */
export function literalValue(bytes: Uint8Array, start: number): number {
  const negative = bytes[start] === minus;
  if (bytes[start + (negative ? 1 : 0)] === 0x4e) return Number.NaN;
  return negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** At most 15 digits with or without a sign; no string is made. */
function smallInteger(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === minus;
  let value = 0;
  for (let at = negative ? start + 1 : start; at < end; at++) {
    value = value * 10 + ((bytes[at] as number) - zero);
  }
  return negative ? 0 - value : value;
}

function skipDigits(bytes: Uint8Array, start: number, limit: number): number {
  let at = start;
  while (at < limit) {
    const byte = bytes[at] as number;
    if (byte < 0x30 || byte > 0x39) break;
    at++;
  }
  return at;
}

/** Behind a minus sign, if there is one: NaN, Inf or Infinity. */
function skipLiteral(bytes: Uint8Array, start: number, limit: number): number {
  const matches = (text: string, from: number): number => {
    let at = from;
    for (let i = 0; i < text.length; i++, at++) {
      if (at >= limit || bytes[at] !== text.charCodeAt(i))
        throw jsonSyntaxError('value', Math.min(at, limit));
    }
    return at;
  };
  if (start < limit && bytes[start] === 0x4e) return matches('NaN', start);
  if (start < limit && bytes[start] === 0x49) {
    const end = matches('Inf', start);
    return end < limit && bytes[end] === 0x69 ? matches('inity', end) : end;
  }
  throw jsonSyntaxError('value', Math.min(start, limit));
}
