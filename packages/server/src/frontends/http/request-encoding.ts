import { TritonError } from '@nereid/protocol';
import { decodeContent } from '@nereid/transport';

/**
 * Inflates a compressed body, whether gzip or zlib. Like the C++ server it takes what could be
 * inflated of a body that is cut short or broken; what is missing shows when the rest is read.
 *
 * @throws TritonError INVALID_ARG for an empty body and for one that inflates beyond the limit.
 */
export async function decompressBody(body: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  if (body.length === 0) throw new TritonError('INVALID_ARG', 'nothing to be decompressed');
  const inflated = await decodeContent(body, bytesMax);
  if (inflated !== null) return inflated;
  throw new TritonError(
    'INVALID_ARG',
    `Decompressed data size exceeds the maximum allowed value of ${bytesMax} bytes. Use --http-max-input-size to increase the limit.`,
  );
}
