import { constants, createInflateRaw, inflateRawSync } from 'node:zlib';
import { deflatePayload } from './deflate-payload.ts';

/** Bodies up to this size are inflated at once: a thread would take longer to start than zlib to end. */
const inlineBytesMax = 4 * 1024;

/** What the inline path may produce before the work moves to a thread. */
const inlineOutputBytesMax = 64 * 1024;

/** A pass of zlib that hits broken data loses its output, so this much at most. */
const inflateChunkBytes = 64 * 1024;

/**
 * Inflates gzip, zlib or raw deflate, whichever it is. Like Triton it checks no checksum, and of a
 * body that is cut short or broken it gives what came before: what is missing shows when it is read.
 *
 * @returns null when more than `bytesMax` bytes come out; no more than that is ever held.
 */
export function decodeContent(bytes: Uint8Array, bytesMax: number): Promise<Uint8Array | null> {
  const payload = deflatePayload(bytes);
  if (payload.length <= inlineBytesMax) {
    try {
      const maxOutputLength = Math.min(bytesMax, inlineOutputBytesMax);
      return Promise.resolve(inflateRawSync(payload, { maxOutputLength }));
    } catch {
      // Large or broken: the stream tells which.
    }
  }
  return inflate(payload, bytesMax);
}

function inflate(payload: Uint8Array, bytesMax: number): Promise<Uint8Array | null> {
  const stream = createInflateRaw({
    chunkSize: inflateChunkBytes,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let byteLength = 0;
    const finish = (): void => resolve(Buffer.concat(pieces, byteLength));
    stream.on('data', (piece: Buffer) => {
      byteLength += piece.length;
      if (byteLength > bytesMax) {
        stream.destroy();
        resolve(null);
        return;
      }
      pieces.push(piece);
    });
    stream.on('end', finish);
    stream.on('error', finish);
    stream.end(payload);
  });
}
