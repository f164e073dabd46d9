import { constants, createInflateRaw, createUnzip, unzipSync } from 'node:zlib';

/** Bodies up to this size are inflated at once: a thread would take longer to start than zlib to end. */
const inlineBytesMax = 4 * 1024;

/** What the inline path may produce before the work moves to a thread. */
const inlineOutputBytesMax = 64 * 1024;

const inflateChunkBytes = 64 * 1024;

/**
 * Inflates gzip, zlib or raw deflate, whichever it is. Of a body that is cut short or broken it
 * gives what could be inflated up to there, as Triton does: what is missing shows when it is read.
 *
 * @returns null when more than `bytesMax` bytes come out; no more than that is ever held.
 */
export function decodeContent(bytes: Uint8Array, bytesMax: number): Promise<Uint8Array | null> {
  if (bytes.length <= inlineBytesMax && !isRaw(bytes)) {
    try {
      const maxOutputLength = Math.min(bytesMax, inlineOutputBytesMax);
      return Promise.resolve(unzipSync(bytes, { maxOutputLength }));
    } catch {
      // Large or broken: the stream tells which.
    }
  }
  return inflate(bytes, bytesMax);
}

function inflate(bytes: Uint8Array, bytesMax: number): Promise<Uint8Array | null> {
  const options = { chunkSize: inflateChunkBytes, finishFlush: constants.Z_SYNC_FLUSH };
  const stream = isRaw(bytes) ? createInflateRaw(options) : createUnzip(options);
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
    stream.end(bytes);
  });
}

/** Neither gzip's magic number nor a zlib header: RFC 1952 section 2.3.1, RFC 1950 section 2.2. */
function isRaw(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  const second = bytes[1] ?? 0;
  if (first === 0x1f && second === 0x8b) return false;
  return (first & 0x0f) !== 8 || ((first << 8) | second) % 31 !== 0;
}
