const rawContents = 6;
const streamedResponse = 2;

/** Where the largest tensor of a `ModelInferResponse` begins, as far as its first bytes tell. */
export function inferDataOffset(firstBytes: Uint8Array): number | null {
  return largestContents(firstBytes, 0);
}

/** The same for `ModelStreamInferResponse`, which holds one. */
export function streamDataOffset(firstBytes: Uint8Array): number | null {
  const scan = new FieldScan(firstBytes, 0);
  while (scan.next()) {
    if (scan.number === streamedResponse) return largestContents(firstBytes, scan.start);
  }
  return null;
}

function largestContents(bytes: Uint8Array, start: number): number | null {
  const scan = new FieldScan(bytes, start);
  let found: number | null = null;
  let foundLength = -1;
  while (scan.next()) {
    if (scan.number !== rawContents || scan.byteLength <= foundLength) continue;
    found = scan.start;
    foundLength = scan.byteLength;
  }
  return found;
}

/** Walks over the fields with a length of a protobuf message whose end may not have come. */
class FieldScan {
  number = 0;
  /** Where the value begins, and how long it will be. */
  start: number;
  byteLength = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.start = start;
  }

  /** @returns False where no other field begins in these bytes, or it cannot be told. */
  next(): boolean {
    this.start += this.byteLength;
    this.byteLength = 0;
    while (this.start < this.#bytes.length) {
      const tag = this.#varint();
      const value = this.#varint();
      if (Number.isNaN(value)) return false;
      if ((tag & 7) === 0) continue;
      if ((tag & 7) !== 2) return false;
      this.number = tag >>> 3;
      this.byteLength = value;
      return true;
    }
    return false;
  }

  /** NaN where it is cut off, or no tag or length. */
  #varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
      const byte = this.#bytes[this.start++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  }
}
