import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HpackDecoder, HpackError } from '../packages/transport/src/hpack/hpack-decoder.ts';
import { encodeHeaderBlock } from '../packages/transport/src/hpack/hpack-encoder.ts';
import { decodeHuffman } from '../packages/transport/src/hpack/huffman-decoder.ts';
import {
  encodeHuffman,
  huffmanByteLength,
} from '../packages/transport/src/hpack/huffman-encoder.ts';

const latin1 = fc
  .uint8Array({ maxLength: 60 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const names = fc.oneof(latin1, fc.constantFrom(':path', ':status', 'content-type', 'x-a', 'te'));
const values = fc.oneof(latin1, fc.constantFrom('/', '200', '404', 'application/grpc', ''));

test('what is encoded decodes to the same fields', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(names, values, fc.boolean())), (fields) => {
      const decoder = new HpackDecoder(4096, 1 << 20);
      const block = encodeHeaderBlock(fields);
      const list = decoder.decode(block, 0, block.length);
      expect(list.names).toEqual(fields.map(([name]) => name));
      expect(list.values).toEqual(fields.map(([, value]) => value));
    }),
    { numRuns: 2000 },
  );
});

test('Huffman code survives both ways', () => {
  fc.assert(
    fc.property(latin1, (text) => {
      const bytes = Buffer.alloc(huffmanByteLength(text));
      expect(encodeHuffman(text, bytes, 0)).toBe(bytes.length);
      expect(decodeHuffman(bytes, 0, bytes.length)).toBe(text);
    }),
    { numRuns: 2000 },
  );
});

test('Huffman code that is accepted is the only code of its text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      const text = decodeHuffman(bytes, 0, bytes.length);
      if (text === null) return;
      const again = Buffer.alloc(huffmanByteLength(text));
      encodeHuffman(text, again, 0);
      expect(Buffer.compare(again, bytes)).toBe(0);
    }),
    { numRuns: 20_000 },
  );
});

/** Bytes that often mean something: representations, indexes, small numbers. */
const blockBytes = fc.array(
  fc.oneof(
    fc.constantFrom(0x82, 0xbe, 0xbf, 0x40, 0x00, 0x10, 0x20, 0x3f, 0x7f, 0xff, 0x01, 0x61, 0x81),
    fc.nat(255),
  ),
  { maxLength: 60 },
);

test('a decoder throws nothing but its own error, keeps its limits, and remembers rightly', () => {
  fc.assert(
    fc.property(fc.array(blockBytes, { maxLength: 8 }), (blocks) => {
      const remembering = new HpackDecoder(200, 300);
      for (const [index, block] of blocks.entries()) {
        const bytes = Buffer.from(block);
        // A fresh decoder that is given the same history, but never a block it has seen in one piece.
        const fresh = new HpackDecoder(200, 300);
        let expected: unknown = null;
        let got: unknown = null;
        try {
          for (const before of blocks.slice(0, index)) {
            fresh.decode(Buffer.from(before), 0, before.length);
          }
          expected = fresh.decode(bytes, 0, bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(HpackError);
        }
        try {
          got = remembering.decode(bytes, 0, bytes.length);
          if (expected !== null) {
            const { names, values } = got as { names: string[]; values: string[] };
            let byteLength = 0;
            for (const [at, name] of names.entries()) {
              byteLength += name.length + (values[at]?.length ?? 0) + 32;
            }
            expect(byteLength).toBeLessThanOrEqual(300);
          }
        } catch (error) {
          if (!(error instanceof HpackError)) throw error;
          expect(expected).toBeNull();
          return;
        }
        expect(got).toEqual(expected);
      }
    }),
    { numRuns: 3000 },
  );
});
