import { internedAscii } from '../json/interned-strings.ts';
import { TritonError } from '../triton-error.ts';

/** How deep groups may lie in each other: protobuf's own limit. */
const groupDepthMax = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What C++ answers for a message that cannot be read, whatever is wrong with it. */
export function unreadable(): TritonError {
  return new TritonError('INTERNAL', 'Unable to parse request');
}

/**
 * Reads protobuf's wire format from one stretch of bytes. Strict about what is malformed, as the C++
 * library is; every method throws `unreadable()`.
 */
export class WireReader {
  readonly bytes: Buffer;
  /** Where the next byte is read. */
  at: number;
  /** Where the message that is being read ends. */
  end: number;

  /** @param bytes Stays in use: what is read are views of it. */
  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.end = bytes.length;
  }

  /** A field's number and wire type: `number << 3 | type`. */
  tag(): number {
    const first = this.bytes[this.at] as number;
    if (this.at < this.end && first < 0x80) {
      this.at++;
      if (first < 8) throw unreadable();
      return first;
    }
    const tag = this.#tagOfMany();
    if (tag < 8) throw unreadable();
    return tag;
  }

  #tagOfMany(): number {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 7) {
      if (this.at >= this.end) throw unreadable();
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) throw unreadable();
        return value;
      }
    }
    throw unreadable();
  }

  /** A length, and the end of what has it: moves nothing but `at`. @returns Where it ends. */
  lengthEnd(): number {
    let length = this.bytes[this.at] as number;
    if (this.at >= this.end) throw unreadable();
    this.at++;
    if (length >= 0x80) {
      length &= 0x7f;
      for (let scale = 128; ; scale *= 128) {
        if (scale > 2 ** 28 || this.at >= this.end) throw unreadable();
        const byte = this.bytes[this.at++] as number;
        length += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
      }
    }
    const end = this.at + length;
    if (end > this.end) throw unreadable();
    return end;
  }

  /** 64 bits as a signed number, not exact beyond 2^53. */
  int64Number(): number {
    const first = this.bytes[this.at] as number;
    if (this.at < this.end && first < 0x80) {
      this.at++;
      return first;
    }
    return Number(this.int64());
  }

  /** 64 bits as a signed integer: a number where that is exact. */
  int64(): number | bigint {
    const value = BigInt.asIntN(64, this.#varint64());
    return isSafe(value) ? Number(value) : value;
  }

  /** 64 bits as an unsigned integer: a number where that is exact. */
  uint64(): number | bigint {
    const value = this.#varint64();
    return isSafe(value) ? Number(value) : value;
  }

  bool(): boolean {
    return this.#varint64() !== 0n;
  }

  #varint64(): bigint {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw unreadable();
      const byte = this.bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low += bits * 2 ** shift;
      else if (shift < 63) high += bits * 2 ** (shift - 28);
      else if ((bits & 1) === 1) high += 2 ** 35;
      if (byte < 0x80) {
        return high === 0 ? BigInt(low) : BigInt.asUintN(64, (BigInt(high) << 28n) + BigInt(low));
      }
    }
    throw unreadable();
  }

  double(): number {
    if (this.at + 8 > this.end) throw unreadable();
    const value = this.bytes.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  /** Bytes with a length before them. A view. */
  view(): Uint8Array {
    const end = this.lengthEnd();
    const { buffer, byteOffset } = this.bytes;
    const view = new Uint8Array(buffer, byteOffset + this.at, end - this.at);
    this.at = end;
    return view;
  }

  /** Text up to its first NUL, where Triton's C API ends it. It must be UTF-8. */
  string(): string {
    const end = this.lengthEnd();
    const start = this.at;
    const { bytes } = this;
    let hash = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === 0 || byte >= 0x80) return this.#rareString(end);
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    this.at = end;
    return end === start ? '' : internedAscii(bytes, start, end, hash);
  }

  #rareString(end: number): string {
    let text: string;
    try {
      text = utf8.decode(this.bytes.subarray(this.at, end));
    } catch {
      throw unreadable();
    }
    this.at = end;
    const nul = text.indexOf('\0');
    return nul < 0 ? text : text.slice(0, nul);
  }

  /** Passes over a field that is not known, or has another wire type than it should. */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.#varint64();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.at = this.lengthEnd();
        return;
      case 3:
        this.#skipGroup(tag);
        return;
      case 5:
        this.#advance(4);
        return;
      default:
        throw unreadable();
    }
  }

  /** Without recursion: a client chooses how deep groups lie. */
  #skipGroup(start: number): void {
    const open = [start];
    while (open.length > 0) {
      const tag = this.tag();
      const type = tag & 7;
      if (type === 3) {
        if (open.length >= groupDepthMax) throw unreadable();
        open.push(tag);
      } else if (type === 4) {
        if (tag - 1 !== open.pop()) throw unreadable();
      } else {
        this.skip(tag);
      }
    }
  }

  #advance(length: number): void {
    this.at += length;
    if (this.at > this.end) throw unreadable();
  }
}

function isSafe(value: bigint): boolean {
  return value <= 0x1f_ffff_ffff_ffffn && value >= -0x1f_ffff_ffff_ffffn;
}
