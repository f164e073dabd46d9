import { promisify } from 'node:util';
import { deflate, deflateSync, gzip, gzipSync } from 'node:zlib';

/** Bodies up to this size are compressed at once: a thread would take longer to start than zlib to end. */
const inlineBytesMax = 16 * 1024;

const gzipInThread = promisify(gzip);
const deflateInThread = promisify(deflate);

/** @returns The compressed body, or the promise of it where it is too large to hold up other requests. */
export function compressBody(
  chunks: readonly Uint8Array[],
  encoding: 'deflate' | 'gzip',
): Uint8Array | Promise<Uint8Array> {
  const body = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
  if (body.length <= inlineBytesMax) {
    return encoding === 'gzip' ? gzipSync(body) : deflateSync(body);
  }
  return encoding === 'gzip' ? gzipInThread(body) : deflateInThread(body);
}
