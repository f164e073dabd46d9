const lengthPrefixBytes = 4;
/** Of a value, two colons and an index: a double has up to 309 digits before its point. */
const numbersBytesMax = 352;
/** What most classes take, and how much memory is taken for them before it is known to be needed. */
const typicalBytes = 24;
const firstBytesMax = 1024 * 1024;
const utf8BytesPerCharMax = 3;

/** Values below this are written with whole numbers: a millionth of theirs is far above a double's last bit. */
const quickValueMax = 4_000_000;
/** As near to the middle of two last decimals the product with a million may be on its wrong side. */
const unsureDistance = 0.001;
/** Whole numbers below this are divided as 32-bit ones. */
const quickIntegerMax = 1_000_000_000;

const zero = 0x30;
const colon = 0x3a;
const minus = 0x2d;
const point = 0x2e;

/** The texts of classes, one after the other as elements of a BYTES tensor. */
export class ClassTexts {
  readonly #decimals: boolean;
  #bytes: Buffer;
  #at = 0;

  /** @param decimals Whether values have six of them, as floating-point numbers do. */
  constructor(expectedCount: number, decimals: boolean) {
    this.#decimals = decimals;
    const typical = Math.min(expectedCount * typicalBytes, firstBytesMax);
    this.#bytes = Buffer.allocUnsafe(typical + numbersBytesMax);
  }

  /** @param label '' where the class has none. */
  add(value: number | bigint, index: number, label: string): void {
    this.#reserve(numbersBytesMax + label.length * utf8BytesPerCharMax);
    const start = this.#at;
    this.#at += lengthPrefixBytes;
    if (typeof value === 'number' && this.#decimals) this.#writeDecimals(value);
    else this.#writeInteger(value);
    this.#bytes[this.#at++] = colon;
    this.#writeInteger(index);
    if (label !== '') {
      this.#bytes[this.#at++] = colon;
      this.#at += this.#bytes.write(label, this.#at);
    }
    this.#bytes.writeUInt32LE(this.#at - start - lengthPrefixBytes, start);
  }

  /** All of them. */
  tensorData(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(byteLength: number): void {
    if (this.#at + byteLength <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe((this.#bytes.length + byteLength) * 2);
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }

  #writeText(text: string): void {
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }

  #writeInteger(value: number | bigint): void {
    if (typeof value === 'bigint' || value >= quickIntegerMax || value < 0) {
      this.#writeText(String(value));
    } else this.#writeDigits(value, digitCount(value));
  }

  #writeDecimals(value: number): void {
    const magnitude = Math.abs(value);
    const millionths = magnitude * 1e6;
    const whole = Math.floor(millionths);
    const rest = millionths - whole;
    if (!(magnitude < quickValueMax) || Math.abs(rest - 0.5) < unsureDistance) {
      this.#writeText(decimalText(value));
      return;
    }
    const rounded = rest > 0.5 ? whole + 1 : whole;
    const units = Math.floor(rounded / 1e6);
    const bytes = this.#bytes;
    if (value < 0 || Object.is(value, -0)) bytes[this.#at++] = minus;
    this.#writeDigits(units, digitCount(units));
    bytes[this.#at++] = point;
    this.#writeDigits(rounded - units * 1e6, 6);
  }

  /** @param value Not negative, below `quickIntegerMax`. */
  #writeDigits(value: number, count: number): void {
    const bytes = this.#bytes;
    let rest = value | 0;
    for (let at = this.#at + count - 1; at >= this.#at; at--) {
      const tenth = (rest / 10) | 0;
      bytes[at] = zero + rest - tenth * 10;
      rest = tenth;
    }
    this.#at += count;
  }
}

function digitCount(value: number): number {
  let count = 1;
  for (let power = 10; value >= power; power *= 10) count++;
  return count;
}

/** As C++'s std::to_string writes a double. */
function decimalText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + sixDecimals(Math.abs(value));
}

function sixDecimals(value: number): string {
  // toFixed switches to exponents at 1e21, where every double is an integer.
  if (value >= 1e21) return `${BigInt(value)}.000000`;
  // Halfway between two last decimals are the odd multiples of 1/128: C rounds to the even one, toFixed up.
  const parts = value * 128;
  if (parts % 2 !== 1) return value.toFixed(6);
  const lower = (BigInt(parts) * 15_625n - 1n) / 2n;
  const millionths = lower % 2n === 0n ? lower : lower + 1n;
  return `${millionths / 1_000_000n}.${String(millionths % 1_000_000n).padStart(6, '0')}`;
}
