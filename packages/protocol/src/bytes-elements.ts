/** Bytes of the little-endian length before each element of a BYTES tensor. */
export const bytesLengthBytes = 4;

/**
 * The elements of a BYTES tensor, as views of its data.
 *
 * @param cutOff makes what is thrown where the length of an element runs past the end of the data by so many bytes.
 */
export function bytesElements(
  data: Uint8Array,
  cutOff: (index: number, missingBytes: number) => Error,
): Uint8Array[] {
  const elements: Uint8Array[] = [];
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let offset = 0; offset < data.byteLength; ) {
    const start = offset + bytesLengthBytes;
    const end = start <= data.byteLength ? start + view.getUint32(offset, true) : start;
    if (end > data.byteLength) throw cutOff(elements.length, end - data.byteLength);
    elements.push(data.subarray(start, end));
    offset = end;
  }
  return elements;
}
