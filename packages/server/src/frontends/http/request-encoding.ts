import { constants, createUnzip } from 'node:zlib';
import { TritonError } from '@nereid/protocol';

/**
 * Inflates a compressed body, whether gzip or zlib. Like the C++ server it takes what could be
 * inflated of a body that is cut short or broken; what is missing shows when the rest is read.
 *
 * @throws TritonError INVALID_ARG for an empty body and for one that inflates beyond the limit.
 */
export function decompressBody(body: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (body.length === 0) {
      throw new TritonError('INVALID_ARG', 'nothing to be decompressed');
    }
    const unzip = createUnzip({ finishFlush: constants.Z_SYNC_FLUSH });
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (): void => resolve(Buffer.concat(chunks, length));
    unzip.on('data', (chunk: Buffer) => {
      if (length + chunk.length > bytesMax) {
        unzip.destroy();
        reject(new TritonError('INVALID_ARG', inflatedSizeRefusal(bytesMax)));
        return;
      }
      length += chunk.length;
      chunks.push(chunk);
    });
    unzip.on('end', finish);
    unzip.on('error', finish);
    unzip.end(body);
  });
}

function inflatedSizeRefusal(bytesMax: number): string {
  return `Decompressed data size exceeds the maximum allowed value of ${bytesMax} bytes. Use --http-max-input-size to increase the limit.`;
}
