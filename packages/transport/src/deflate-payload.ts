const nothing = new Uint8Array(0);

// Flags of a gzip header: RFC 1952 section 2.3.1.
const headerChecksumFlag = 0x02;
const extraFlag = 0x04;
const nameFlag = 0x08;
const commentFlag = 0x10;
const reservedFlags = 0xe0;

/**
 * The deflate data within gzip or zlib, or all bytes where there is no such wrapper. Empty where a
 * wrapper cannot be read. What follows the data is left there: deflate knows its own end.
 */
export function deflatePayload(bytes: Uint8Array): Uint8Array {
  const first = bytes[0] ?? 0;
  const second = bytes[1] ?? 0;
  if (first === 0x1f && second === 0x8b) return gzipPayload(bytes);
  const isZlib = (first & 0x0f) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0;
  if (!isZlib) return bytes;
  // RFC 1950 section 2.2: nobody agreed on a preset dictionary.
  return (second & 0x20) === 0 ? bytes.subarray(2) : nothing;
}

function gzipPayload(bytes: Uint8Array): Uint8Array {
  const flags = bytes[3] ?? reservedFlags;
  if (bytes[2] !== 8 || (flags & reservedFlags) !== 0) return nothing;
  let at = 10;
  if ((flags & extraFlag) !== 0) at += 2 + (bytes[at] ?? 0) + ((bytes[at + 1] ?? 0) << 8);
  if ((flags & nameFlag) !== 0) at = behindZero(bytes, at);
  if ((flags & commentFlag) !== 0) at = behindZero(bytes, at);
  if ((flags & headerChecksumFlag) !== 0) at += 2;
  return bytes.subarray(Math.min(at, bytes.length));
}

function behindZero(bytes: Uint8Array, start: number): number {
  const zero = bytes.indexOf(0, start);
  return zero < 0 ? bytes.length : zero + 1;
}
