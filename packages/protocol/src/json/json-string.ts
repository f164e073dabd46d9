import { jsonSyntaxError } from './json-syntax-error.ts';

const quote = 0x22;
const backslash = 0x5c;

/**
 * Finds the end of a string that begins at `start`, behind its quotation mark.
 * @returns the offset of the closing mark; negated when the string holds escapes.
 * @throws TritonError for control characters, bad escapes, and a string without an end.
 */
export function scanString(bytes: Uint8Array, start: number, end: number): number {
  let escapes = false;
  for (let position = start; position < end; position++) {
    const byte = bytes[position] as number;
    if (byte === quote) return escapes ? -position : position;
    if (byte === backslash) {
      escapes = true;
      position = scanEscape(bytes, position, end);
    } else if (byte < 0x20) {
      throw jsonSyntaxError(byte === 0 ? 'quotationMark' : 'escape', position);
    }
  }
  throw jsonSyntaxError('quotationMark', end);
}

/** @returns the offset of the escape's last byte. */
function scanEscape(bytes: Uint8Array, start: number, end: number): number {
  const kind = start + 1 < end ? (bytes[start + 1] as number) : 0;
  if (kind !== 0x75) {
    if (simpleEscapes[kind] === undefined) throw jsonSyntaxError('escape', start);
    return start + 1;
  }
  const unit = hexUnit(bytes, start + 2, end);
  if (unit < 0) throw jsonSyntaxError('hexDigit', start);
  // A low surrogate alone passes, and is written as three bytes.
  if (unit < 0xd800 || unit > 0xdbff) return start + 5;
  if (start + 7 >= end || bytes[start + 6] !== backslash || bytes[start + 7] !== 0x75) {
    throw jsonSyntaxError('surrogate', start);
  }
  const low = hexUnit(bytes, start + 8, end);
  if (low < 0) throw jsonSyntaxError('hexDigit', start);
  if (low < 0xdc00 || low > 0xdfff) throw jsonSyntaxError('surrogate', start);
  return start + 11;
}

function hexUnit(bytes: Uint8Array, start: number, end: number): number {
  if (start + 4 > end) return -1;
  let unit = 0;
  for (let i = start; i < start + 4; i++) {
    const digit = hexDigit(bytes[i] as number);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

const simpleEscapes: readonly (number | undefined)[] = Object.assign(new Array(128), {
  34: 0x22,
  92: 0x5c,
  47: 0x2f,
  98: 0x08,
  102: 0x0c,
  110: 0x0a,
  114: 0x0d,
  116: 0x09,
});

/** The bytes that a string with escapes stands for. `scanString` has checked it. */
export function unescapedString(bytes: Uint8Array, start: number, end: number): Buffer {
  const target = Buffer.allocUnsafe(end - start);
  return target.subarray(0, unescapeInto(target, 0, bytes, start, end));
}

/** Writes the string's bytes from `offset` on; they never take more room than the text did. @returns how many. */
export function unescapeInto(
  target: Uint8Array,
  offset: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let to = offset;
  for (let from = start; from < end; ) {
    const byte = bytes[from] as number;
    if (byte !== backslash) {
      target[to++] = byte;
      from++;
      continue;
    }
    const kind = bytes[from + 1] as number;
    if (kind !== 0x75) {
      target[to++] = simpleEscapes[kind] as number;
      from += 2;
      continue;
    }
    let point = hexUnit(bytes, from + 2, end);
    from += 6;
    if (point >= 0xd800 && point <= 0xdbff) {
      point = 0x10000 + ((point - 0xd800) << 10) + (hexUnit(bytes, from + 2, end) - 0xdc00);
      from += 6;
    }
    to = writeUtf8(target, to, point);
  }
  return to - offset;
}

function writeUtf8(target: Uint8Array, offset: number, point: number): number {
  let to = offset;
  if (point < 0x80) {
    target[to++] = point;
  } else if (point < 0x800) {
    target[to++] = 0xc0 | (point >> 6);
    target[to++] = 0x80 | (point & 0x3f);
  } else if (point < 0x10000) {
    target[to++] = 0xe0 | (point >> 12);
    target[to++] = 0x80 | ((point >> 6) & 0x3f);
    target[to++] = 0x80 | (point & 0x3f);
  } else {
    target[to++] = 0xf0 | (point >> 18);
    target[to++] = 0x80 | ((point >> 12) & 0x3f);
    target[to++] = 0x80 | ((point >> 6) & 0x3f);
    target[to++] = 0x80 | (point & 0x3f);
  }
  return to;
}
