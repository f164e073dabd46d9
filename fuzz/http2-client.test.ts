import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../packages/transport/src/clock.ts';
import { HpackDecoder } from '../packages/transport/src/hpack/hpack-decoder.ts';
import type { EncodedField } from '../packages/transport/src/hpack/hpack-encoder.ts';
import { encodeHeaderBlock } from '../packages/transport/src/hpack/hpack-encoder.ts';
import { IndexingEncoder } from '../packages/transport/src/hpack/indexing-encoder.ts';
import type { ClientCarrier } from '../packages/transport/src/http2/client/client-socket.ts';
import {
  clientLimits,
  Http2ClientConnection,
  type ResponseReader,
} from '../packages/transport/src/http2/client/http2-client-connection.ts';
import type { Http2Stream } from '../packages/transport/src/http2/http2-stream.ts';
import { http2Preface } from '../packages/transport/src/protocol-choice.ts';
import {
  frame,
  grpcMessage,
  settings,
  uint32,
} from '../packages/transport/src/testing/frame-client.ts';

/** A socket that nobody reads. */
class SilentCarrier implements ClientCarrier {
  readonly isDrained = true;
  readonly unsentBytes = 0;
  readonly nowMs = 0;
  readonly remoteAddress = '';
  readonly sent: Buffer[] = [];
  over = false;

  isOver(): boolean {
    return false;
  }
  write(bytes: Uint8Array): boolean {
    this.sent.push(Buffer.from(bytes));
    return true;
  }
  writeAll(parts: readonly Uint8Array[]): boolean {
    for (const part of parts) this.write(part);
    return true;
  }
  end(): void {
    this.over = true;
  }
  destroy(): void {
    this.over = true;
  }
  pause(): void {}
  resume(): void {}
  keepsProcess(): void {}
}

/** Notes what it is told, and that it is told nothing after its end. */
class NotingReader implements ResponseReader {
  readonly retainedBytes = 0;
  readonly notes: string[] = [];
  stream: Http2Stream | null = null;

  header(status: number): void {
    this.#note(`header ${status}`);
  }
  data(_bytes: Buffer, start: number, end: number): void {
    this.#note('data');
    this.stream?.consumed(end - start);
  }
  trailers(): void {
    this.#note('trailers');
  }
  end(): void {
    this.#note('end');
  }
  gone(): void {
    this.#note('gone');
  }
  drained(): void {}
  sweep(): void {}

  get ends(): number {
    return this.notes.filter((note) => note === 'end' || note === 'gone').length;
  }

  #note(note: string): void {
    expect(this.ends).toBe(0);
    if (note === 'data' || note === 'trailers') expect(this.notes[0]).toMatch(/^header/u);
    this.notes.push(note);
  }
}

const ids = fc.constantFrom(0, 1, 1, 3, 3, 5, 7, 2);
const fields = fc.constantFrom<EncodedField[]>(
  [
    [':status', '200'],
    ['content-type', 'application/grpc'],
  ],
  [[':status', '103']],
  [['grpc-status', '0']],
  [['X', 'y']],
);
const headers = fc
  .tuple(ids, fields, fc.constantFrom(4, 5, 0))
  .map(([id, list, flags]) => frame(1, flags, id, encodeHeaderBlock(list)));
const data = fc
  .tuple(ids, fc.uint8Array({ maxLength: 20 }), fc.constantFrom(0, 1))
  .map(([id, body, flags]) => frame(0, flags, id, grpcMessage(body)));
const windows = fc
  .tuple(ids, fc.constantFrom(0, 1, 100, 2 ** 31 - 1))
  .map(([id, size]) => frame(8, 0, id, uint32(size)));
const goaways = fc
  .tuple(ids, fc.constantFrom(0, 2))
  .map(([id, code]) => frame(7, 0, 0, Buffer.concat([uint32(id), uint32(code)])));
const resets = fc.tuple(ids, fc.nat(14)).map(([id, code]) => frame(3, 0, id, uint32(code)));
const changes = fc
  .tuple(fc.integer({ min: 1, max: 7 }), fc.constantFrom(0, 1, 5, 65_535, 20_000))
  .map((entry) => settings(entry));
const anyFrame = fc
  .tuple(fc.integer({ min: 0, max: 10 }), fc.nat(255), ids, fc.uint8Array({ maxLength: 30 }))
  .map(([type, flags, id, payload]) => frame(type, flags, id, payload));
const conversation = fc.array(
  fc.oneof(headers, headers, data, data, windows, goaways, resets, changes, anyFrame),
  { maxLength: 25 },
);
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 });

test('whatever a server says, each request ends once, and what is sent is frames', () => {
  fc.assert(
    fc.property(conversation, cuts, (frames, sizes) => {
      const carrier = new SilentCarrier();
      const connection = new Http2ClientConnection(
        () => carrier,
        {
          limits: clientLimits,
          clock: systemClock,
          connectTimeoutMs: 1_000_000,
          streamsMaxBefore: null,
          idleTimeoutMs: 1_000_000,
          keepalive: {
            timeMs: null,
            timeoutMs: 1000,
            permitWithoutCalls: false,
            pingsWithoutDataMax: null,
          },
        },
        { retired: () => {}, roomMade: () => {}, closed: () => {} },
      );
      const readers: NotingReader[] = [];
      const ask = (): void => {
        if (!connection.hasRoom) return;
        const reader = new NotingReader();
        reader.stream = connection.open([[':path', '/a']], reader);
        reader.stream.write([Buffer.alloc(100_000)], 'data');
        readers.push(reader);
      };
      for (let count = 0; count < 3; count++) ask();
      const whole = Buffer.concat([settings(), ...frames]);
      for (let at = 0, index = 0; at < whole.length && !carrier.over; index++) {
        const size = sizes.length === 0 ? whole.length : (sizes[index % sizes.length] ?? 1);
        // Memory that is written over afterwards, as a socket's is.
        const bytes = Buffer.from(whole.subarray(at, at + size));
        connection.read(bytes);
        bytes.fill(0xee);
        at += size;
      }
      ask();
      connection.closed(null);
      for (const reader of readers) expect(reader.ends).toBe(1);
      expect(connection.streamCount).toBe(0);
      const sent = Buffer.concat(carrier.sent);
      let at = Math.min(sent.length, http2Preface.length);
      while (at < sent.length) at += 9 + sent.readUIntBE(at, 3);
      expect(at).toBe(sent.length);
    }),
    { numRuns: 3000 },
  );
});

test('what is encoded with a table is decoded with it, whatever the peer wants of the table', () => {
  const name = fc.constantFrom(':path', ':method', 'x-a', 'x-b', 'authorization', 'te');
  const value = fc.oneof(
    fc.constantFrom('POST', 'one', 'two', ''),
    fc.string({ unit: 'binary-ascii' }),
  );
  const list = fc.array(fc.tuple(name, value, fc.boolean()), { maxLength: 8 });
  const step = fc.oneof(list, fc.constantFrom(0, 60, 200, 4096, 100_000));
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 20 }),
      fc.array(list, { maxLength: 3 }),
      (steps, known) => {
        const encoder = new IndexingEncoder();
        const decoder = new HpackDecoder(4096, 1 << 20);
        for (const one of [...steps, ...known, ...known, ...known]) {
          if (typeof one === 'number') {
            encoder.limit(one);
            continue;
          }
          const block = Buffer.from(encoder.encode(one));
          const { names, values } = decoder.decode(block, 0, block.length);
          expect(names.map((found, at) => [found, values[at]])).toEqual(
            one.map(([given, text]) => [given, text]),
          );
        }
      },
    ),
    { numRuns: 2000 },
  );
});
