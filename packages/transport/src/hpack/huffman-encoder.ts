import { codeBitCounts, codes } from './huffman-code.ts';

/** How many bytes `encodeHuffman` writes for a text of ISO 8859-1. */
export function huffmanByteLength(text: string): number {
  let bitCount = 0;
  for (let at = 0; at < text.length; at++) bitCount += codeBitCounts[text.charCodeAt(at) & 0xff]!;
  return (bitCount + 7) >> 3;
}

/** Writes the code of a text of ISO 8859-1. @returns Where it ends. */
export function encodeHuffman(text: string, target: Uint8Array, start: number): number {
  let at = start;
  let held = 0;
  let heldBits = 0;
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index) & 0xff;
    const code = codes[symbol]!;
    // Bit operations end at 32 bits and codes have up to 30: bit groups of at most eight are added.
    for (let left = codeBitCounts[symbol]!; left > 0; ) {
      const count = Math.min(8, left);
      left -= count;
      held = ((held << count) | ((code >>> left) & ((1 << count) - 1))) & 0xffff;
      heldBits += count;
      if (heldBits >= 8) {
        heldBits -= 8;
        target[at++] = held >> heldBits;
      }
    }
  }
  if (heldBits > 0) target[at++] = ((held << (8 - heldBits)) | (0xff >> heldBits)) & 0xff;
  return at;
}
