/**
 * Conversions between JavaScript's numbers and the two 16-bit floats of the wire, as bit patterns.
 * `Float16Array` exists from Node 24 on only.
 */

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** Rounds to the nearest FP16 (ties to even); values past 65504 become infinite. */
export function toFloat16Bits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Number.isNaN(value)) return 0x7e00;
  const size = Math.abs(value);
  // Halfway from the largest finite value to what would follow it.
  if (size >= 65_520) return sign | 0x7c00;
  // Below the smallest normal value all steps are equal.
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  const exact =
    size / 2 ** exponent >= 2 ? exponent + 1 : size < 2 ** exponent ? exponent - 1 : exponent;
  // A mantissa that rounds up to 2048 carries into the exponent, as it should.
  return sign | (((exact + 14) << 10) + roundToEven(size * 2 ** (10 - exact)));
}

/** The number that an FP16 bit pattern stands for. */
export function fromFloat16Bits(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** Rounds to single precision, then to the nearest BF16 (ties to even), as numeric libraries do. */
export function toBfloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  single[0] = value;
  const bits = singleBits[0] as number;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The number that a BF16 bit pattern stands for. */
export function fromBfloat16Bits(bits: number): number {
  singleBits[0] = bits << 16;
  return single[0] as number;
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest > 0.5 || (rest === 0.5 && floor % 2 === 1)) return floor + 1;
  return floor;
}
