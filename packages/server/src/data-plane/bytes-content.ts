/** Bytes of the little-endian length before each string element. */
const lengthPrefixBytes = 4;

/** True when `data` is exactly `elementCount` strings, each behind its length. */
export function bytesContentIsValid(data: Uint8Array, elementCount: number): boolean {
  let offset = 0;
  for (let element = 0; element < elementCount; element++) {
    if (offset + lengthPrefixBytes > data.length) return false;
    offset += lengthPrefixBytes + readLength(data, offset);
    if (offset > data.length) return false;
  }
  return offset === data.length;
}

/**
 * Says what is wrong with string data, in Triton's order and words; null when nothing is. A last
 * string that runs past the end of the data is no concern of this check, as in Triton's core.
 */
export function bytesContentRefusal(
  data: Uint8Array,
  elementCount: bigint,
  prefix: string,
  inputName: string,
  modelName: string,
): string | null {
  const where = `for inference input '${inputName}' for model '${modelName}'`;
  let offset = 0;
  let elements = 0n;
  while (offset < data.length) {
    const rest = data.length - offset;
    if (rest < lengthPrefixBytes) {
      return `${prefix}incomplete string length indicator ${where}, expecting ${lengthPrefixBytes} bytes but only ${rest} bytes available. Please make sure the string length indicator is in one buffer.`;
    }
    elements++;
    if (elements > elementCount) {
      return `${prefix}unexpected number of string elements ${elements} ${where}, expecting ${elementCount}`;
    }
    offset += lengthPrefixBytes + readLength(data, offset);
  }
  if (elements === elementCount) return null;
  return `${prefix}expected ${elementCount} string elements ${where}, got ${elements}`;
}

/**
 * The refusal of a last string that is longer than the data. In Triton each backend finds it when it
 * reads the tensor, so that it is a failed execution rather than a refused request.
 */
export function bytesOverrun(data: Uint8Array, inputName: string): string | null {
  let offset = 0;
  while (offset + lengthPrefixBytes <= data.length) {
    const length = readLength(data, offset);
    const rest = data.length - offset - lengthPrefixBytes;
    if (length > rest) {
      return `incomplete string data for inference input '${inputName}', expecting string of length ${length} but only ${rest} bytes available`;
    }
    offset += lengthPrefixBytes + length;
  }
  return null;
}

function readLength(data: Uint8Array, offset: number): number {
  return (
    ((data[offset] as number) |
      ((data[offset + 1] as number) << 8) |
      ((data[offset + 2] as number) << 16) |
      ((data[offset + 3] as number) << 24)) >>>
    0
  );
}
