import { bytesElements, bytesLengthBytes } from './bytes-elements.ts';
import { TritonError } from './triton-error.ts';

/**
 * Elements of a BYTES tensor as its data: each with its length before it. Text becomes UTF-8.
 *
 * @throws TritonError INVALID_ARG for an element of 4 GiB or more.
 */
export function encodeBytesTensor(elements: readonly (string | Uint8Array)[]): Uint8Array {
  let total = 0;
  for (const element of elements) {
    const size = typeof element === 'string' ? Buffer.byteLength(element) : element.byteLength;
    if (size > 0xffff_ffff) {
      throw new TritonError('INVALID_ARG', `an element of ${size} bytes has no length of 32 bits`);
    }
    total += bytesLengthBytes + size;
  }
  const data = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const element of elements) {
    const start = offset + bytesLengthBytes;
    if (typeof element === 'string') {
      offset = start + data.write(element, start);
    } else {
      data.set(element, start);
      offset = start + element.byteLength;
    }
    data.writeUInt32LE(offset - start, start - bytesLengthBytes);
  }
  return data;
}

/**
 * The elements of a BYTES tensor, as views of its data.
 *
 * @throws TritonError INVALID_ARG where a length runs past the end of the data.
 */
export function decodeBytesTensor(data: Uint8Array): Uint8Array[] {
  return bytesElements(
    data,
    (index, missingBytes) =>
      new TritonError(
        'INVALID_ARG',
        `element ${index} of a BYTES tensor ends ${missingBytes} bytes past its data`,
      ),
  );
}
