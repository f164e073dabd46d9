/**
 * How many bits the code of each byte has, one base-36 digit each; the last one is the end of a
 * string. RFC 7541 appendix B: codes of one length follow each other in the order of the bytes, so
 * that their lengths say everything.
 */
const bitCountDigits =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca' +
  'd67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq' +
  'u';

/** The symbol that ends a string; its code may only be padding, never be complete. */
export const endOfString = 256;

/** Of the longest code. */
const bitCountMax = 30;

/** Bits of the code of each symbol. */
export const codeBitCounts: Uint8Array = Uint8Array.from(bitCountDigits, (digit) =>
  Number.parseInt(digit, 36),
);

/** Code of each symbol, in its lowest bits. */
export const codes: Uint32Array = canonicalCodes();

/** Two short passes: what is made when the module is loaded should not be work for V8's compiler. */
function canonicalCodes(): Uint32Array {
  const next = new Uint32Array(bitCountMax + 2);
  for (const bitCount of codeBitCounts) next[bitCount + 1]!++;
  for (let bitCount = 1; bitCount <= bitCountMax; bitCount++) {
    // The first code of a length: behind the last one that is a bit shorter, and twice that.
    next[bitCount] = (next[bitCount]! + next[bitCount - 1]!) * 2;
    // `next[bitCount + 1]` still counts the codes of this length.
  }
  return Uint32Array.from(codeBitCounts, (bitCount) => next[bitCount]!++);
}
