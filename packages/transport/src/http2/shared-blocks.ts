import { encodeHeaderBlock } from '../hpack/hpack-encoder.ts';
import type { HeaderBlock } from './http2-stream.ts';
import type { BlockEncoder } from './stream-sender.ts';

const status200 = 0x88;
/** Newest entry of the dynamic table, and the one before. */
const newest = 0xbe;
const second = 0xbf;

const defaultTableBytes = 4096;

const plainHeader = encodeHeaderBlock([
  [':status', '200'],
  ['content-type', 'application/grpc'],
]);
const plainTrailer = encodeHeaderBlock([['grpc-status', '0']]);
const addedHeader = indexing(plainHeader, 1, 0x5f, 2);
const addedTrailer = indexing(plainTrailer, 0, 0x40, 1);
const headerAsNewest = Buffer.from([status200, newest]);
const headerAsSecond = Buffer.from([status200, second]);
const trailerAsNewest = Buffer.from([newest]);
const smallestTable = Buffer.from([0x20]);

/**
 * Encodes what every gRPC answer repeats. The client's table gets `content-type` first and
 * `grpc-status: 0` after it and nothing else ever, so that their indexes are known. RFC 7541
 * section 2.3.3.
 */
export class SharedBlocks implements BlockEncoder {
  #usesTable = true;
  #mustShrink = false;
  #headerAdded = false;
  #trailerAdded = false;

  /**
   * SETTINGS_HEADER_TABLE_SIZE of the client. Whoever wants a table smaller than the default gets an
   * empty one for good, which section 4.2 lets us say before the next block.
   */
  limit(tableBytes: number): void {
    if (!this.#usesTable || tableBytes >= defaultTableBytes) return;
    this.#usesTable = false;
    this.#mustShrink = true;
  }

  /** @returns The block to be sent now, before any other. */
  encode(block: HeaderBlock): Uint8Array {
    const bytes =
      typeof block === 'string'
        ? this.#encodeShared(block)
        : block instanceof Uint8Array
          ? block
          : encodeHeaderBlock(block);
    if (!this.#mustShrink) return bytes;
    this.#mustShrink = false;
    return Buffer.concat([smallestTable, bytes]);
  }

  #encodeShared(block: 'grpc-header' | 'grpc-ok'): Uint8Array {
    if (block === 'grpc-header') {
      if (!this.#usesTable) return plainHeader;
      if (this.#headerAdded) return this.#trailerAdded ? headerAsSecond : headerAsNewest;
      // Its index would not be known once the other one is there.
      if (this.#trailerAdded) return plainHeader;
      this.#headerAdded = true;
      return addedHeader;
    }
    if (!this.#usesTable) return plainTrailer;
    if (this.#trailerAdded) return trailerAsNewest;
    this.#trailerAdded = true;
    return addedTrailer;
  }
}

/** The same block with its last field, `skip` bytes in, put into the table: section 6.2.1. */
function indexing(block: Buffer, skip: number, first: number, prefixBytes: number): Buffer {
  return Buffer.concat([
    block.subarray(0, skip),
    Buffer.from([first]),
    block.subarray(skip + prefixBytes),
  ]);
}
