import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BodyMemory } from '../packages/transport/src/body-memory.ts';
import { systemClock } from '../packages/transport/src/clock.ts';
import type { ProtocolConnection } from '../packages/transport/src/connection-protocol.ts';
import type { GrpcMethod } from '../packages/transport/src/grpc/grpc-handler.ts';
import {
  grpcKeepaliveDefaults,
  grpcLimitDefaults,
} from '../packages/transport/src/grpc/grpc-limits.ts';
import { GrpcService } from '../packages/transport/src/grpc/grpc-service.ts';
import { MessageReader } from '../packages/transport/src/grpc/message-reader.ts';
import { encodeHeaderBlock } from '../packages/transport/src/hpack/hpack-encoder.ts';
import { httpLimitDefaults } from '../packages/transport/src/http-limits.ts';
import { FrameReader } from '../packages/transport/src/http2/frame-reader.ts';
import { Http2Connection } from '../packages/transport/src/http2/http2-connection.ts';
import { http2LimitDefaults } from '../packages/transport/src/http2/http2-limits.ts';
import { http2Preface } from '../packages/transport/src/protocol-choice.ts';
import { noObserver } from '../packages/transport/src/response-observer.ts';
import {
  frame,
  grpcFields,
  grpcMessage,
  settings,
} from '../packages/transport/src/testing/frame-client.ts';

/** Cuts bytes where a network might. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[index % sizes.length] ?? 1);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 });

test('frames are the same however they are cut', () => {
  const frames = fc.array(
    fc.record({
      type: fc.integer({ min: 0, max: 10 }),
      // Without padding, which is not in the frames that this test makes.
      flags: fc.constantFrom(0, 1, 4, 5),
      streamId: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      payload: fc.uint8Array({ maxLength: 50 }),
    }),
    { maxLength: 10 },
  );
  fc.assert(
    fc.property(frames, cuts, (sent, sizes) => {
      const got: { type: number; flags: number; streamId: number; payload: Buffer }[] = [];
      const reader = new FrameReader(
        {
          onFrame(type, flags, streamId, bytes, start, end) {
            got.push({ type, flags, streamId, payload: Buffer.from(bytes.subarray(start, end)) });
          },
          onDataStart(streamId, flags) {
            got.push({ type: 0, flags, streamId, payload: Buffer.alloc(0) });
          },
          onDataPiece(bytes, start, end) {
            const last = got.at(-1);
            if (last === undefined) throw new Error('a piece of nothing');
            last.payload = Buffer.concat([last.payload, bytes.subarray(start, end)]);
          },
        },
        16_384,
      );
      const whole = Buffer.concat(
        sent.map(({ type, flags, streamId, payload }) => frame(type, flags, streamId, payload)),
      );
      for (const piece of cut(whole, sizes)) reader.read(piece, 0);
      expect(got).toEqual(sent.map((one) => ({ ...one, payload: Buffer.from(one.payload) })));
      expect(reader.isWaiting).toBe(false);
    }),
    { numRuns: 1500 },
  );
});

test('messages are the same however they are cut', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 });
  fc.assert(
    fc.property(messages, cuts, fc.boolean(), (sent, sizes, aligned) => {
      const got: Buffer[] = [];
      const reader = new MessageReader(
        new BodyMemory(null),
        10_000,
        aligned ? (): number => 3 : null,
        {
          message(bytes) {
            got.push(Buffer.from(bytes));
            return true;
          },
          failed(_status, text) {
            throw new Error(text);
          },
        },
      );
      const whole = Buffer.concat(sent.map((message) => grpcMessage(message)));
      for (const piece of cut(whole, sizes)) {
        expect(reader.read(piece, 0, piece.length)).toBe(piece.length);
      }
      expect(got.map((message) => message.toString('hex'))).toEqual(
        sent.map((message) => Buffer.from(message).toString('hex')),
      );
      expect(reader.inMessage).toBe(false);
    }),
    { numRuns: 300 },
  );
});

/** A connection without a socket. */
function makeConnection(sent: Uint8Array[]): ProtocolConnection & { ended: boolean } {
  const send = (bytes: Uint8Array): boolean => {
    sent.push(Buffer.from(bytes));
    return true;
  };
  return {
    ended: false,
    limits: httpLimitDefaults,
    nowMs: 0,
    remoteAddress: '',
    isDrained: true,
    unsentBytes: 0,
    isOver: () => false,
    writeText: () => true,
    write: send,
    writeAll(parts) {
      for (const part of parts) send(part);
      return true;
    },
    end() {
      this.ended = true;
    },
    destroy() {
      this.ended = true;
    },
    pause() {},
    resume() {},
  };
}

const unary: GrpcMethod = {
  kind: 'unary',
  handle: (_call, message, responder) => responder.send([message]),
};
const stream: GrpcMethod = {
  kind: 'stream',
  open: (_call, responses) => ({
    onMessage: (message) => void responses.write([message]),
    onHalfClose: () => responses.end(),
  }),
};

const ids = fc.constantFrom(0, 1, 1, 3, 3, 5, 7, 2);
const anyFrame = fc
  .tuple(fc.integer({ min: 0, max: 10 }), fc.nat(255), ids, fc.uint8Array({ maxLength: 30 }))
  .map(([type, flags, id, payload]) => frame(type, flags, id, payload));
const headers = fc
  .tuple(ids, fc.constantFrom('/unary', '/stream', '/none'), fc.constantFrom(4, 5, 0))
  .map(([id, path, flags]) => frame(1, flags, id, encodeHeaderBlock(grpcFields(path))));
const data = fc
  .tuple(ids, fc.uint8Array({ maxLength: 20 }), fc.constantFrom(0, 1))
  .map(([id, body, flags]) => frame(0, flags, id, grpcMessage(body)));
const windows = fc.tuple(ids, fc.constantFrom(0, 1, 100, 2 ** 31 - 1)).map(([id, size]) => {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(size);
  return frame(8, 0, id, payload);
});
const initialWindows = fc.constantFrom(0, 1, 5, 65_535).map((size) => settings([4, size]));
const conversation = fc.array(fc.oneof(headers, data, data, windows, initialWindows, anyFrame), {
  maxLength: 25,
});

test('no conversation makes a connection throw, or send what is no frame', () => {
  fc.assert(
    fc.property(conversation, cuts, (frames, sizes) => {
      const sent: Uint8Array[] = [];
      const faults: unknown[] = [];
      const connection = makeConnection(sent);
      const handlerFailed = (error: unknown): void => {
        faults.push(error);
      };
      const service = new GrpcService(
        { find: (path) => (path === '/unary' ? unary : path === '/stream' ? stream : null) },
        {
          limits: grpcLimitDefaults,
          memory: new BodyMemory(null),
          clock: systemClock,
          bodyTimeoutMs: 1000,
          bodyBytesPerSecondMin: 1024,
          handlerFailed,
          observer: noObserver,
        },
      );
      const protocol = new Http2Connection(connection, {
        limits: http2LimitDefaults,
        keepalive: grpcKeepaliveDefaults,
        clock: systemClock,
        open: (http2Stream, head) => service.open(http2Stream, head),
        handlerFailed,
      });
      const whole = Buffer.concat([settings(), ...frames]);
      protocol.read(Buffer.concat([http2Preface, whole.subarray(0, 9)]));
      for (const piece of cut(whole.subarray(9), sizes)) protocol.read(piece);
      protocol.closed();
      expect(faults).toEqual([]);
      expect(protocol.streamCount).toBe(0);
      const answer = Buffer.concat(sent);
      let at = 0;
      while (at < answer.length) at += 9 + answer.readUIntBE(at, 3);
      expect(at).toBe(answer.length);
    }),
    { numRuns: 4000 },
  );
});
