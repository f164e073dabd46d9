/** Longer strings are made anew each time. */
const lengthMax = 32;

/** Strings remembered at the same time: at most 1024 × 32 bytes. */
const entriesMax = 1024;

const strings: string[] = new Array<string>(entriesMax).fill('');

/**
 * The ASCII text between two offsets. Member names, tensor names and data types come again with each
 * request: comparing with the string of last time costs a tenth of a call into native code for a new one.
 *
 * @param hash of exactly these bytes.
 */
export function internedAscii(bytes: Buffer, start: number, end: number, hash: number): string {
  const length = end - start;
  if (length > lengthMax) return bytes.toString('latin1', start, end);
  const place = (hash ^ (hash >>> 15)) & (entriesMax - 1);
  const known = strings[place] as string;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return known;
  }
  const text = bytes.toString('latin1', start, end);
  strings[place] = text;
  return text;
}
