import { addressNumberOf, allocateFixed } from './memory.ts';
import { NativeError } from './native-error.ts';

/**
 * A fixed set of NUL-terminated UTF-8 strings in one block of native memory: addresses are valid as
 * long as this object is referenced. A string that holds a NUL itself is refused (INVALID_ARGUMENT):
 * C would read another string than was meant.
 */
export class CStrings {
  readonly #addresses = new Map<string, number>();
  /** Holds the memory that the addresses point into. */
  readonly bytes: Buffer;

  constructor(texts: Iterable<string>) {
    const encoded = [...new Set(texts)].map((text) => {
      if (text.includes('\0')) {
        throw new NativeError('INVALID_ARGUMENT', 'a name may not hold a NUL character');
      }
      return { text, bytes: Buffer.from(`${text}\0`) };
    });
    this.bytes = allocateFixed(encoded.reduce((total, { bytes }) => total + bytes.byteLength, 0));
    const base = addressNumberOf(this.bytes);
    let position = 0;
    for (const { text, bytes } of encoded) {
      this.#addresses.set(text, base + position);
      position += bytes.copy(this.bytes, position);
    }
  }

  /** Address of a string of the set; null for any other. */
  find(text: string): number | null {
    return this.#addresses.get(text) ?? null;
  }

  /** Address of a string that is known to be in the set. */
  addressOf(text: string): number {
    const address = this.#addresses.get(text);
    if (address === undefined) throw new Error(`no such C string: ${text}`);
    return address;
  }
}
