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

/** Bits of the code of each symbol. */
export const codeBitCounts: Uint8Array = Uint8Array.from(bitCountDigits, (digit) =>
  Number.parseInt(digit, 36),
);

/** Code of each symbol, in its lowest bits. */
export const codes: Uint32Array = canonicalCodes();

function canonicalCodes(): Uint32Array {
  const result = new Uint32Array(endOfString + 1);
  let code = 0;
  for (let bitCount = 1; bitCount <= 30; bitCount++) {
    for (let symbol = 0; symbol <= endOfString; symbol++) {
      if (codeBitCounts[symbol] === bitCount) result[symbol] = code++;
    }
    code *= 2;
  }
  return result;
}
