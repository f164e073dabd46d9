const decoder = new TextDecoder();

/** One field of a message. `number` stands for a varint, `bytes` for what has a length. */
export interface WireField {
  readonly number: number;
  readonly value: number | bigint | Uint8Array;
}

/** Goes through the bytes of a message. What is cut off or malformed throws a RangeError. */
class WireCursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** A big integer where a double would not be exact. */
  varint(): number | bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return low;
    }
    let high = 0n;
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      high += BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const value = BigInt.asUintN(64, high + BigInt(low));
        return value <= 0x1f_ffff_ffff_ffffn ? Number(value) : value;
      }
    }
    throw new RangeError('a number of the message is too long');
  }

  take(byteLength: number): Uint8Array {
    const end = this.#at + byteLength;
    if (end > this.#bytes.length) throw cutOff();
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw cutOff();
    return byte;
  }
}

/**
 * The fields of a protobuf message, in order. Fixed-width fields of 64 bits come as their eight bytes.
 * @throws RangeError where the message is cut off or malformed.
 */
export function* wireFields(message: Uint8Array): Generator<WireField> {
  const cursor = new WireCursor(message);
  while (!cursor.atEnd) {
    const tag = Number(cursor.varint());
    const number = Math.floor(tag / 8);
    switch (tag & 7) {
      case 0:
        yield { number, value: cursor.varint() };
        break;
      case 1:
        yield { number, value: cursor.take(8) };
        break;
      case 2:
        yield { number, value: cursor.take(Number(cursor.varint())) };
        break;
      case 5:
        yield { number, value: cursor.take(4) };
        break;
      default:
        throw new RangeError('a field of the message has no type');
    }
  }
}

/** The numbers of a list that is packed into one field. @throws RangeError where it is cut off. */
export function* packedVarints(bytes: Uint8Array): Generator<number | bigint> {
  const cursor = new WireCursor(bytes);
  while (!cursor.atEnd) yield cursor.varint();
}

/** The value as text. */
export function textOf(value: WireField['value']): string {
  return value instanceof Uint8Array ? decoder.decode(value) : String(value);
}

/** The value as bytes; none for a number. */
export function bytesOf(value: WireField['value']): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

/** The value as a signed number of 64 bits: a big integer where a double would not be exact. */
export function int64Of(value: WireField['value']): number | bigint {
  if (typeof value !== 'bigint') return Number(value);
  const signed = BigInt.asIntN(64, value);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}

function cutOff(): RangeError {
  return new RangeError('the message is cut off');
}
