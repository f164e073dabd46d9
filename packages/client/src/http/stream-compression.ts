import type { Compression } from '../infer-request.ts';

/** Compresses by the platform's own streams. */
export function compressPieces(
  pieces: readonly Uint8Array[],
  how: Compression,
): Promise<Uint8Array> {
  return through(pieces, new CompressionStream(how));
}

/** @throws TypeError for bytes that are not compressed so. */
export function decompress(bytes: Uint8Array, how: Compression): Promise<Uint8Array> {
  return through([bytes], new DecompressionStream(how));
}

async function through(
  pieces: readonly Uint8Array[],
  transform: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const body = new Blob(pieces as Uint8Array<ArrayBuffer>[]);
  const stream = body.stream().pipeThrough(transform);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
