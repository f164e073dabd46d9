import { scanString } from '../json/json-string.ts';
import type { JsonSpan } from '../json/json-value.ts';

const quote = 0x22;
const comma = 0x2c;

/**
 * How many elements the outermost array has; 1 for what is no array.
 * @param span of a value in `bytes` that is valid JSON.
 */
export function arrayElementCount(bytes: Buffer, span: JsonSpan): number {
  if (bytes[span.start] !== 0x5b) return 1;
  let depth = 0;
  let commas = 0;
  let empty = true;
  for (let at = span.start; at < span.end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0x5b || byte === 0x7b) {
      if (depth++ > 0) empty = false;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    } else if (byte === comma) {
      if (depth === 1) commas++;
    } else if (byte > 0x20) {
      empty = false;
      if (byte === quote) at = Math.abs(scanString(bytes, at + 1, span.end));
    }
  }
  return empty ? 0 : commas + 1;
}
