import {
  deflate,
  deflateSync,
  gunzip,
  gunzipSync,
  gzip,
  gzipSync,
  inflate,
  inflateSync,
} from 'node:zlib';

/** What messages may be compressed with: `deflate` is zlib's format (RFC 1950), as in HTTP. */
export type MessageEncoding = 'gzip' | 'deflate';

/** Messages up to this size are done at once: a thread would take longer to start than zlib to end. */
const inlineBytesMax = 4 * 1024;

/** What inflating at once may produce before the work moves to a thread. */
const inlineOutputBytesMax = 64 * 1024;

/** What became of a compressed message. */
export type Inflated = Buffer | 'broken' | 'too-large';

/**
 * Inflates a message; at once where it is small. No more than `bytesMax` bytes are ever held.
 *
 * @param done called once, perhaps before this returns.
 */
export function inflateMessage(
  bytes: Uint8Array,
  encoding: MessageEncoding,
  bytesMax: number,
  done: (inflated: Inflated) => void,
): void {
  if (bytes.length <= inlineBytesMax) {
    const maxOutputLength = Math.min(bytesMax, inlineOutputBytesMax);
    let inflated: Inflated | null = null;
    try {
      const options = { maxOutputLength };
      inflated = encoding === 'gzip' ? gunzipSync(bytes, options) : inflateSync(bytes, options);
    } catch (error) {
      if (!isTooLarge(error)) inflated = 'broken';
      else if (maxOutputLength === bytesMax) inflated = 'too-large';
    }
    if (inflated !== null) {
      done(inflated);
      return;
    }
  }
  const inflateLater = encoding === 'gzip' ? gunzip : inflate;
  inflateLater(bytes, { maxOutputLength: bytesMax }, (error, inflated) => {
    if (error === null) done(inflated);
    else done(isTooLarge(error) ? 'too-large' : 'broken');
  });
}

/**
 * Compresses a message; at once where it is small.
 *
 * @param done called once, perhaps before this returns; null when there was not enough memory.
 */
export function compressMessage(
  parts: readonly Uint8Array[],
  encoding: MessageEncoding,
  level: number,
  done: (compressed: Buffer | null) => void,
): void {
  const only = parts[0];
  const bytes = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  if (bytes.length <= inlineBytesMax) {
    done(encoding === 'gzip' ? gzipSync(bytes, { level }) : deflateSync(bytes, { level }));
    return;
  }
  const compressLater = encoding === 'gzip' ? gzip : deflate;
  compressLater(bytes, { level }, (error, compressed) => done(error === null ? compressed : null));
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
}
