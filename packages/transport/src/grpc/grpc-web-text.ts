/**
 * Decodes the body of `application/grpc-web-text`: base64 in one or more pieces, each with padding of
 * its own.
 *
 * @returns Null for what is no base64.
 */
export function decodeGrpcWebText(body: Uint8Array): Buffer | null {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  if (!/^[0-9A-Za-z+/=]*$/.test(text) || text.length % 4 !== 0) return null;
  // Node stops at the first padding.
  const pieces = text.split(/(?<==)(?=[^=])/);
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64')));
}

/** One piece of such a body. */
export function encodeGrpcWebText(parts: readonly Uint8Array[]): Buffer {
  return Buffer.from(Buffer.concat(parts).toString('base64'), 'latin1');
}
