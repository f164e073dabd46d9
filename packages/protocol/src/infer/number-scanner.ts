import { exactDigitsMax, JsonNumberScanner, literalValue } from '../json/json-number.ts';
import { jsonDepthMax } from '../json/json-reader.ts';
import { TritonError } from '../triton-error.ts';

/** What the elements of a tensor have to be, and how exactly they are wanted. */
export type NumberKind = 'float32' | 'float64' | 'signed' | 'unsigned';

const minus = 0x2d;
const point = 0x2e;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** Powers of ten that doubles hold exactly. */
const powersOfTen: Float64Array = Float64Array.from({ length: 23 }, (_, power) =>
  Number(`1e${power}`),
);

/** Digits that are taken behind the exact ones, where single precision is asked for. */
const inexactDigitsMax = 15;

/** Far more than the three roundings of 2^-53 that `#nearlyDouble` can be off by. */
const nearlyBelow: number = 1 - 2 ** -49;
const nearlyAbove: number = 1 + 2 ** -49;

/**
 * Reads the numbers of nested JSON arrays, in order, as doubles. Most numbers are made of few digits,
 * and are put together here digit by digit; the others go through a string.
 */
export class NumberScanner {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #kind: NumberKind;
  readonly #integers: boolean;
  readonly #numbers: JsonNumberScanner;
  #position: number;
  #depth = 0;

  /** @param start of the outermost array, or of the one number, which is valid JSON. */
  constructor(bytes: Buffer, start: number, end: number, kind: NumberKind) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
    this.#kind = kind;
    this.#integers = kind === 'signed' || kind === 'unsigned';
    this.#numbers = new JsonNumberScanner(bytes);
  }

  /** True when another element follows. @throws TritonError for one nested too deep. */
  hasNext(): boolean {
    return this.#seek() >= 0;
  }

  /**
   * Reads elements until `target` is full or there are no more. Of integers beyond 2^53 the low 32
   * bits count; `wide` gets all 64 of every integer, if it is there. For `float32` the doubles are
   * such that rounding them to single precision gives what rounding the decimal number gives.
   *
   * @returns how many were read.
   * @throws Error with Triton's text for an element of another type, TritonError for one nested too deep.
   */
  fill(target: Float64Array, wide: BigInt64Array | null): number {
    const bytes = this.#bytes;
    const integers = this.#integers;
    for (let count = 0; count < target.length; count++) {
      const start = this.#seek();
      if (start < 0) return count;
      let at = start;
      let byte = bytes[at] as number;
      const negative = byte === minus;
      if (negative) byte = bytes[++at] as number;
      let value = 0;
      const digits = at;
      while (byte >= 0x30 && byte <= 0x39) {
        value = value * 10 + (byte - 0x30);
        byte = bytes[++at] as number;
      }
      // The closing bracket of the array, or of what the one number stands in, ends it at the latest.
      const plain = at > digits && at - digits <= exactDigitsMax && (byte | 0x20) !== 0x65;
      if (plain && byte !== point && !(negative && this.#kind === 'unsigned')) {
        target[count] = negative ? 0 - value : value;
        if (wide !== null) wide[count] = BigInt(target[count] as number);
        this.#position = at;
      } else if (integers) {
        const integer = this.#wideInteger(start);
        target[count] = Number(BigInt.asIntN(32, integer));
        if (wide !== null) wide[count] = integer;
      } else {
        target[count] = plain ? this.#fraction(start, at, value, at - digits) : this.#slow(start);
      }
    }
    return target.length;
  }

  /** Offset of the next element that is no array; -1 at the end. */
  #seek(): number {
    const bytes = this.#bytes;
    for (let at = this.#position; at < this.#end; at++) {
      const byte = bytes[at] as number;
      if (byte === openBracket) {
        // Triton looks at each array and each element when it gets there.
        if (++this.#depth > jsonDepthMax) throw tooDeep();
      } else if (byte === closeBracket) {
        this.#depth--;
      } else if (byte > 0x20 && byte !== 0x2c) {
        if (this.#depth >= jsonDepthMax) throw tooDeep();
        this.#position = at;
        return at;
      }
    }
    this.#position = this.#end;
    return -1;
  }

  /**
   * A number with digits behind its point. Up to 15 digits are an exact double, which divided by an
   * exact power of ten gives the double nearest to the number.
   */
  #fraction(start: number, pointAt: number, integer: number, integerDigits: number): number {
    const bytes = this.#bytes;
    let value = integer;
    let digits = integer === 0 ? 0 : integerDigits;
    let at = pointAt + 1;
    let byte = bytes[at] as number;
    while (byte >= 0x30 && byte <= 0x39 && digits < exactDigitsMax) {
      value = value * 10 + (byte - 0x30);
      if (value !== 0) digits++;
      byte = bytes[++at] as number;
    }
    if (byte >= 0x30 && byte <= 0x39) {
      return this.#kind === 'float32'
        ? this.#nearlyDouble(start, pointAt, at, value)
        : this.#slow(start);
    }
    const scale = at - pointAt - 1;
    if ((byte | 0x20) === 0x65 || scale > 22) return this.#slow(start);
    this.#position = at;
    const result = value / (powersOfTen[scale] as number);
    return bytes[start] === minus ? -result : result;
  }

  /** More digits than are exact: enough for single precision unless the number is next to the middle between two. */
  #nearlyDouble(start: number, pointAt: number, from: number, exact: number): number {
    const bytes = this.#bytes;
    let rest = 0;
    let at = from;
    let byte = bytes[at] as number;
    while (byte >= 0x30 && byte <= 0x39 && at - from < inexactDigitsMax) {
      rest = rest * 10 + (byte - 0x30);
      byte = bytes[++at] as number;
    }
    const scale = at - pointAt - 1;
    if ((byte >= 0x30 && byte <= 0x39) || (byte | 0x20) === 0x65 || scale > 22) {
      return this.#slow(start);
    }
    const digits = exact * (powersOfTen[at - from] as number) + rest;
    const result = digits / (powersOfTen[scale] as number);
    if (Math.fround(result * nearlyBelow) !== Math.fround(result * nearlyAbove)) {
      return this.#slow(start);
    }
    this.#position = at;
    return bytes[start] === minus ? -result : result;
  }

  /** Any number, through a string. */
  #slow(start: number): number {
    const numbers = this.#numbers;
    if (!beginsNumber(this.#bytes[start] as number)) {
      throw new Error('attempt to access JSON non-number as double');
    }
    this.#position = numbers.skip(start, this.#end);
    if (numbers.kind === 'literal') return literalValue(this.#bytes, start);
    return numbers.double(start, this.#position);
  }

  #wideInteger(start: number): bigint {
    const unsigned = this.#kind === 'unsigned';
    const numbers = this.#numbers;
    if (beginsNumber(this.#bytes[start] as number)) {
      this.#position = numbers.skip(start, this.#end);
      const value = numbers.kind === 'integer' ? numbers.integer(start, this.#position) : null;
      if (value !== null && fits(value, unsigned)) return value;
    }
    throw new Error(
      unsigned
        ? 'attempt to access JSON non-unsigned-integer as unsigned-integer'
        : 'attempt to access JSON non-signed-integer as signed-integer',
    );
  }
}

function fits(value: bigint, unsigned: boolean): boolean {
  return (unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) === value;
}

/** A digit, a minus, N(aN) or I(nf). */
function beginsNumber(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === minus || byte === 0x4e || byte === 0x49;
}

/** What Triton says of arrays inside of arrays beyond its limit. */
export function tooDeep(): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `JSON nesting depth exceeds maximum allowed limit (${jsonDepthMax})`,
  );
}
