import { expect, it } from 'vitest';
import { systemClock } from '../../clock.ts';
import { encodeHeaderBlock } from '../../hpack/hpack-encoder.ts';
import { frame, settings } from '../../testing/frame-client.ts';
import type { ClientCarrier } from './client-socket.ts';
import {
  clientLimits,
  Http2ClientConnection,
  type ResponseReader,
} from './http2-client-connection.ts';

const carrier: ClientCarrier = {
  isDrained: true,
  unsentBytes: 0,
  nowMs: 0,
  remoteAddress: '',
  isOver: () => false,
  write: () => true,
  writeAll: () => true,
  end: () => {},
  destroy: () => {},
  pause: () => {},
  resume: () => {},
  keepsProcess: () => {},
};

/** Takes payload into memory of its own, and counts what had to be copied there. */
class PlacingReader implements ResponseReader {
  readonly retainedBytes = 0;
  readonly memory: Buffer = Buffer.alloc(300_000);
  filled = 0;
  copiedBytes = 0;

  target(byteLength: number): Buffer {
    return this.memory.subarray(this.filled, this.filled + byteLength);
  }
  data(bytes: Buffer, start: number, end: number): void {
    if (bytes.buffer !== this.memory.buffer) {
      bytes.copy(this.memory, this.filled, start, end);
      this.copiedBytes += end - start;
    }
    this.filled += end - start;
  }
  header(): void {}
  trailers(): void {}
  end(): void {}
  gone(): void {}
  drained(): void {}
  sweep(): void {}
}

it('asks for the payload of large frames where it belongs, and between them for a header alone', () => {
  const connection = new Http2ClientConnection(
    () => carrier,
    {
      limits: clientLimits,
      clock: systemClock,
      connectTimeoutMs: 1000,
      streamsMaxBefore: null,
      idleTimeoutMs: 1000,
      keepalive: {
        timeMs: null,
        timeoutMs: 1000,
        permitWithoutCalls: false,
        pingsWithoutDataMax: null,
      },
    },
    { retired: () => {}, roomMade: () => {}, closed: () => {} },
  );
  const reader = new PlacingReader();
  connection.open([[':path', '/']], reader);
  const sent = Buffer.concat([
    settings(),
    frame(1, 4, 1, encodeHeaderBlock([[':status', '200']])),
    ...Array.from({ length: 3 }, (_, n) => frame(0, 0, 1, Buffer.alloc(100_000, n + 1))),
  ]);
  const places: (number | null)[] = [];
  for (let at = 0; at < sent.length; ) {
    const target = connection.readTarget();
    places.push(target?.length ?? null);
    // As a socket reads: what it has, up to the room there is.
    const byteLength = Math.min(sent.length - at, target?.length ?? 65_536);
    const bytes = target?.subarray(0, byteLength) ?? Buffer.alloc(byteLength);
    sent.copy(bytes, 0, at, at + byteLength);
    connection.read(bytes);
    at += byteLength;
  }
  expect(reader.memory.equals(Buffer.concat([1, 2, 3].map((n) => Buffer.alloc(100_000, n))))).toBe(
    true,
  );
  // The first read brings what nobody knew the place of.
  expect(places).toEqual([null, 100_000 - reader.copiedBytes, 9, 100_000, 9, 100_000]);
  expect(reader.copiedBytes).toBeLessThan(65_536);
  connection.closed(null);
});
