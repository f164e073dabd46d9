/** Forms that server and worker remember of each other at a time. The worker has the same number. */
export const formSlots = 64;

/** Larger payloads go the way of messages that are texts, of whose time they take nearly nothing. */
export const formPayloadBytesMax: number = 32 * 1024;

/** Bytes of the number of a form. */
export const formNumberBytes = 4;

/** Bytes of the numbers of batches and requests. */
export const longNumberBytes = 8;

/** Such a number, which stays a whole one below 2 to the power of 53. */
export function writeLongNumber(target: Buffer, value: number, offset: number): void {
  target.writeUInt32LE(value >>> 0, offset);
  target.writeUInt32LE(Math.floor(value / 2 ** 32), offset + 4);
}

export function readLongNumber(source: Buffer, offset: number): number {
  return source.readUInt32LE(offset) + source.readUInt32LE(offset + 4) * 2 ** 32;
}
