/** Bytes that a varint of `value` takes; for whole numbers from 0 to 2^53. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  let size = 4;
  for (let rest = value / 0x1000_0000; rest >= 1; rest /= 128) size++;
  return size;
}

/** Bytes that an int64 takes; a negative one always ten. */
export function int64Size(value: number | bigint): number {
  return value < 0 ? 10 : varintSize(Number(value));
}

/** Bytes of a string in UTF-8, without its length. */
export function textSize(text: string): number {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    if (text.charCodeAt(i) >= 0x80) return Buffer.byteLength(text);
  }
  return length;
}

/** Writes protobuf's wire format into memory whose size was computed before. */
export class WireWriter {
  readonly bytes: Buffer;
  at = 0;

  constructor(byteLength: number) {
    this.bytes = Buffer.allocUnsafe(byteLength);
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    const { bytes } = this;
    let rest = value;
    while (rest >= 0x1000_0000) {
      bytes[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.at++] = rest;
  }

  int64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      this.varint(value);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.bytes[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.at++] = Number(rest);
  }

  double(value: number): void {
    this.at = this.bytes.writeDoubleLE(value, this.at);
  }

  /** A string with its length before it. @param size What `textSize` says. */
  string(text: string, size: number): void {
    this.varint(size);
    const { bytes, at } = this;
    if (size !== text.length || size > 48) {
      bytes.write(text, at, 'utf8');
    } else {
      for (let i = 0; i < size; i++) bytes[at + i] = text.charCodeAt(i);
    }
    this.at = at + size;
  }

  copy(data: Uint8Array): void {
    const { bytes, at } = this;
    const { length } = data;
    if (length > 64) bytes.set(data, at);
    else for (let i = 0; i < length; i++) bytes[at + i] = data[i] as number;
    this.at = at + length;
  }
}
