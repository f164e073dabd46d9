/** Longer texts are left to the encoder. */
const plainLengthMax = 64;

/** Writes protobuf's wire format into memory that grows. Browsers have no Buffer. */
export class WireBytes {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** What has been written; later writes may reuse it. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  varint(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === 'number' && value >= 0) {
      let rest = value;
      while (rest >= 0x80) {
        this.#bytes[this.#length++] = (rest % 128) | 0x80;
        rest = Math.floor(rest / 128);
      }
      this.#bytes[this.#length++] = rest;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  /** A field of wire type 0. */
  varintField(number: number, value: number | bigint): void {
    this.varint(number << 3);
    this.varint(value);
  }

  doubleField(number: number, value: number): void {
    this.varint((number << 3) | 1);
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** The start of a field of wire type 2, whose `byteLength` bytes follow. */
  lengthField(number: number, byteLength: number): void {
    this.varint((number << 3) | 2);
    this.varint(byteLength);
  }

  textField(number: number, text: string): void {
    if (text.length > plainLengthMax || !this.#plainField(number, text)) {
      this.bytesField(number, encoder.encode(text));
    }
  }

  bytesField(number: number, bytes: Uint8Array): void {
    this.lengthField(number, bytes.byteLength);
    this.#append(bytes);
  }

  /** A field whose value `write` makes, in place: most lengths fit the one byte that is left for them. */
  messageField(number: number, write: (message: WireBytes) => void): void {
    this.varint((number << 3) | 2);
    this.#reserve(1);
    const start = ++this.#length;
    write(this);
    const byteLength = this.#length - start;
    if (byteLength < 0x80) {
      this.#bytes[start - 1] = byteLength;
      return;
    }
    const value = this.#bytes.slice(start, this.#length);
    this.#length = start - 1;
    this.varint(byteLength);
    this.#append(value);
  }

  /** A short text of ASCII, byte by byte: a call to the encoder costs more. @returns False for any other. */
  #plainField(number: number, text: string): boolean {
    const before = this.#length;
    this.lengthField(number, text.length);
    this.#reserve(text.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) {
        this.#length = before;
        return false;
      }
      bytes[at++] = code;
    }
    this.#length = at;
    return true;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.byteLength;
  }

  #reserve(byteLength: number): void {
    const needed = this.#length + byteLength;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.written);
    this.#bytes = grown;
  }
}

const encoder = new TextEncoder();
