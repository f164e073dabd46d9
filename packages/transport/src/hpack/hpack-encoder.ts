import { encodeHuffman, huffmanByteLength } from './huffman-encoder.ts';
import { staticNameIndexes, staticNames, staticValues } from './static-table.ts';

/** A field to encode; what is sensitive may be put into no table anywhere (RFC 7541 section 7.1.3). */
export type EncodedField = readonly [name: string, value: string, sensitive?: boolean];

/**
 * Encodes fields without touching the dynamic table, so that the block means the same on every
 * connection, at any time, and may be made once and sent often. Names and values are ISO 8859-1.
 */
export function encodeHeaderBlock(fields: readonly EncodedField[]): Buffer {
  let bytesMax = 0;
  for (const [name, value] of fields) bytesMax += name.length + value.length + 16;
  const block = Buffer.allocUnsafe(bytesMax);
  let at = 0;
  for (const [name, value, sensitive = false] of fields) {
    const index = staticNameIndexes.get(name) ?? 0;
    const whole = sensitive ? 0 : staticWholeIndex(name, value, index);
    if (whole > 0) {
      at = encodeNumber(whole, 7, 0x80, block, at);
      continue;
    }
    at = encodeNumber(index, 4, sensitive ? 0x10 : 0x00, block, at);
    if (index === 0) at = encodeString(name, block, at);
    at = encodeString(value, block, at);
  }
  return block.subarray(0, at);
}

/** Index of the static entry with this name and value, or 0. Entries of one name lie together. */
export function staticWholeIndex(name: string, value: string, nameIndex: number): number {
  if (nameIndex === 0 || value === '') return 0;
  for (let index = nameIndex; staticNames[index] === name; index++) {
    if (staticValues[index] === value) return index;
  }
  return 0;
}

/** Writes a number: RFC 7541 section 5.1. @returns Where it ends. */
export function encodeNumber(
  number: number,
  prefixBits: number,
  pattern: number,
  target: Uint8Array,
  start: number,
): number {
  const prefixMax = (1 << prefixBits) - 1;
  let at = start;
  if (number < prefixMax) {
    target[at++] = pattern | number;
    return at;
  }
  target[at++] = pattern | prefixMax;
  let rest = number - prefixMax;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target[at++] = (rest & 0x7f) | 0x80;
  target[at++] = rest;
  return at;
}

/** Writes a string as it is or in Huffman code, whichever is shorter. @returns Where it ends. */
export function encodeString(text: string, target: Buffer, start: number): number {
  const coded = huffmanByteLength(text);
  if (coded < text.length) {
    return encodeHuffman(text, target, encodeNumber(coded, 7, 0x80, target, start));
  }
  const at = encodeNumber(text.length, 7, 0x00, target, start);
  return at + target.write(text, at, 'latin1');
}
