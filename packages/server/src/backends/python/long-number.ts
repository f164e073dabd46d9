/** Bytes of a number that may be larger than 32 bits can say: of a batch, a request, a place, a payload. */
export const longNumberBytes = 8;

/** @param value A whole number below 2 to the power of 53. */
export function writeLongNumber(target: Buffer, value: number, offset: number): void {
  target.writeUInt32LE(value >>> 0, offset);
  target.writeUInt32LE(Math.floor(value / 2 ** 32), offset + 4);
}

export function readLongNumber(source: Buffer, offset: number): number {
  return source.readUInt32LE(offset) + source.readUInt32LE(offset + 4) * 2 ** 32;
}
