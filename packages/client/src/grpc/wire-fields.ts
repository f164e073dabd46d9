const decoder = new TextDecoder();

/** One field of a message. `number` stands for a varint, `bytes` for what has a length. */
export interface WireField {
  readonly number: number;
  readonly value: number | bigint | Uint8Array;
}

/**
 * The fields of a protobuf message, in order. Fixed-width fields of 64 bits come as their eight bytes.
 * @throws RangeError where the message is cut off or malformed.
 */
export function* wireFields(message: Uint8Array): Generator<WireField> {
  let at = 0;
  const varint = (): number | bigint => {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw cutOff();
      low += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return low;
    }
    let high = 0n;
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw cutOff();
      high += BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const value = BigInt.asUintN(64, high + BigInt(low));
        return value <= 0x1f_ffff_ffff_ffffn ? Number(value) : value;
      }
    }
    throw new RangeError('a number of the message is too long');
  };
  const take = (byteLength: number): Uint8Array => {
    const end = at + byteLength;
    if (end > message.length) throw cutOff();
    const bytes = message.subarray(at, end);
    at = end;
    return bytes;
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    switch (tag & 7) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: take(8) };
        break;
      case 2:
        yield { number, value: take(Number(varint())) };
        break;
      case 5:
        yield { number, value: take(4) };
        break;
      default:
        throw new RangeError('a field of the message has no type');
    }
  }
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
