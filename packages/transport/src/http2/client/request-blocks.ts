import { IndexingEncoder } from '../../hpack/indexing-encoder.ts';
import type { HeaderBlock } from '../http2-stream.ts';
import type { BlockEncoder } from '../stream-sender.ts';

/** Encodes the headers of requests for a server's table. */
export class RequestBlocks implements BlockEncoder {
  readonly #encoder = new IndexingEncoder();

  limit(tableBytes: number): void {
    this.#encoder.limit(tableBytes);
  }

  encode(block: HeaderBlock): Uint8Array {
    if (typeof block === 'string' || block instanceof Uint8Array) {
      throw new TypeError('the header of a request is a list of fields');
    }
    return this.#encoder.encode(block);
  }
}
