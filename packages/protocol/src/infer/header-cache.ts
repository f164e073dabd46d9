/** Headers that are remembered at the same time. */
const entriesMax = 256;

/** Longer headers are read anew each time: reading is not what such a request costs. */
const headerBytesMax = 4096;

interface Entry<T> {
  readonly bytes: Buffer;
  readonly value: T;
}

/**
 * Remembers what was read from a piece of JSON, by its exact bytes. Clients send the same header again
 * and again before different binary data: comparing it costs a tenth of reading it. Two headers that
 * fall on the same place push each other out, which bounds memory: 256 × 4 KiB and what was read.
 */
export class HeaderCache<T> {
  readonly #entries: (Entry<T> | undefined)[] = new Array<Entry<T> | undefined>(entriesMax);

  find(body: Uint8Array, length: number): T | null {
    if (length > headerBytesMax) return null;
    const entry = this.#entries[placeOf(body, length)];
    if (entry === undefined || entry.bytes.length !== length) return null;
    return entry.bytes.compare(body, 0, length) === 0 ? entry.value : null;
  }

  remember(header: Uint8Array, value: T): void {
    if (header.byteLength > headerBytesMax) return;
    this.#entries[placeOf(header, header.byteLength)] = { bytes: Buffer.from(header), value };
  }
}

/** From every byte: the headers of one client may differ in a single digit, of a shape or an id. */
function placeOf(bytes: Uint8Array, length: number): number {
  let hash = length;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  }
  for (; i < length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return (hash ^ (hash >>> 16)) & (entriesMax - 1);
}
