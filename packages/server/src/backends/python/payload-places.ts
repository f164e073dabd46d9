/** Each tensor in a payload starts at a multiple of this. */
const tensorAlignment = 64;

const padding = Buffer.alloc(tensorAlignment);

/** The place that so many bytes take in a payload. */
export function paddedBytes(byteCount: number): number {
  return Math.ceil(byteCount / tensorAlignment) * tensorAlignment;
}

/** Bytes of a payload of these tensors. */
export function payloadSize(tensors: readonly Uint8Array[]): number {
  let byteCount = 0;
  for (const { byteLength } of tensors) byteCount += paddedBytes(byteLength);
  return byteCount;
}

/** A payload in pieces: the tensors, and what fills their places. */
export function payloadPieces(tensors: readonly Uint8Array[]): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (const tensor of tensors) {
    const padBytes = paddedBytes(tensor.byteLength) - tensor.byteLength;
    if (tensor.byteLength > 0) pieces.push(tensor);
    if (padBytes > 0) pieces.push(padding.subarray(0, padBytes));
  }
  return pieces;
}

/** Writes a tensor to its place. @returns where the next one begins */
export function placeTensor(target: Uint8Array, tensor: Uint8Array, offset: number): number {
  target.set(tensor, offset);
  return offset + paddedBytes(tensor.byteLength);
}
