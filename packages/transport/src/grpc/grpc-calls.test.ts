import { gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { HttpServer, type HttpServerOptions } from '../http-server.ts';
import { FrameType } from '../http2/frame.ts';
import { FrameClient, grpcFields, grpcMessage, settings } from '../testing/frame-client.ts';
import type { GrpcCall, GrpcMethod, GrpcStream, GrpcUnaryResponder } from './grpc-handler.ts';
import { GrpcStatus } from './grpc-status.ts';

let server: HttpServer | null = null;
let client: FrameClient;
let faults: unknown[] = [];

afterEach(async () => {
  client.destroy();
  await server?.close({ graceMs: 0 });
  faults = [];
});

async function start(
  method: GrpcMethod,
  grpc: Partial<HttpServerOptions['grpc']> = {},
  first: Buffer = settings(),
): Promise<void> {
  server = new HttpServer(
    { handle: (_request, responder) => responder.send(404, [], null) },
    {
      grpc: { handler: { find: (path) => (path === '/a.B/C' ? method : null) }, ...grpc },
      handlerFailed: (error) => faults.push(error),
    },
  );
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  client = await FrameClient.open(port, first);
}

type Unary = (call: GrpcCall, message: Uint8Array, responder: GrpcUnaryResponder) => void;
const unary = (handle: Unary): GrpcMethod => ({ kind: 'unary', handle });
const echo = unary((_call, message, responder) => responder.send([message]));

const status = (streamId = 1): number => Number(client.field(streamId, 'grpc-status') ?? -1);
const reason = (streamId = 1): string => client.field(streamId, 'grpc-message') ?? '';

async function call(
  fields = grpcFields('/a.B/C'),
  body: Buffer = grpcMessage('hi'),
): Promise<void> {
  client.headers(1, fields);
  client.data(1, body, true);
  await client.untilEnded(1);
}

describe('unary calls', () => {
  test('get their answer as header, message and trailers in one write', async () => {
    await start(echo);
    const chunks: Buffer[] = [];
    await client.settle();
    client.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await call();
    expect(client.of(1).map(({ type, flags }) => [type, flags])).toEqual([
      [FrameType.headers, 4],
      [FrameType.data, 0],
      [FrameType.headers, 5],
    ]);
    expect(client.field(1, ':status')).toBe('200');
    expect(client.field(1, 'content-type')).toBe('application/grpc');
    expect(client.body(1)).toEqual(grpcMessage('hi'));
    expect(status()).toBe(0);
    expect(chunks).toHaveLength(1);
  });

  test('get small repeated headers, whatever table the client has', async () => {
    await start(echo);
    for (const id of [1, 3, 5]) client.call(id, '/a.B/C', 'x');
    await client.untilEnded(5);
    const sizes = client.of(5).map(({ type, payload }) => [type, payload.length]);
    expect(sizes).toEqual([
      [FrameType.headers, 2],
      [FrameType.data, 6],
      [FrameType.headers, 1],
    ]);
    client.send(settings([1, 0]));
    client.call(7, '/a.B/C', 'x');
    await client.untilEnded(7);
    expect(client.field(7, 'content-type')).toBe('application/grpc');
    expect(client.of(7)[0]?.payload[0]).toBe(0x20);
    expect(status(7)).toBe(0);
  });

  test.each([1, 4, 5, 6, 20])('are read in pieces of %i bytes', async (pieceBytes) => {
    await start(echo);
    const body = grpcMessage('a message of some length');
    client.headers(1, grpcFields('/a.B/C'));
    for (let at = 0; at < body.length; at += pieceBytes) {
      client.data(1, body.subarray(at, at + pieceBytes));
    }
    client.data(1, '', true);
    await client.untilEnded(1);
    expect(client.body(1)).toEqual(body);
  });

  test('of 10 MB come back whole, aligned as the method asks', async () => {
    const asked: number[] = [];
    let address = -1;
    await start(
      {
        kind: 'unary',
        alignedOffset(firstBytes, messageBytes) {
          asked.push(firstBytes.length, messageBytes);
          return 7;
        },
        handle(_call, message, responder) {
          address = message.byteOffset + 7;
          responder.send([message.subarray(0, 100), message.subarray(100)]);
        },
      },
      {},
      settings([4, 2 ** 31 - 1]),
    );
    client.windowUpdate(0, 2 ** 30);
    const message = Buffer.alloc(10_000_000, 'abcdefg');
    const body = grpcMessage(message);
    client.headers(1, grpcFields('/a.B/C'));
    // No more than the first windows of the server hold before it answers.
    for (let at = 0; at < body.length; at += 16_384) {
      if (at > 6_000_000) await client.until(() => client.of(1).length > 0);
      client.data(1, body.subarray(at, at + 16_384), at + 16_384 >= body.length);
    }
    await client.untilEnded(1);
    expect(client.body(1).equals(body)).toBe(true);
    expect(asked[1]).toBe(10_000_000);
    expect(asked[0]).toBeGreaterThanOrEqual(1024);
    expect(address % 64).toBe(0);
  });

  test.each([
    ['no message', Buffer.alloc(0), GrpcStatus.internal, 'no message'],
    ['half a prefix', Buffer.from([0, 0]), GrpcStatus.internal, 'ends early'],
    ['half a message', grpcMessage('abc').subarray(0, 6), GrpcStatus.internal, 'ends early'],
    [
      'two messages',
      Buffer.concat([grpcMessage('a'), grpcMessage('b')]),
      GrpcStatus.internal,
      'more than one',
    ],
    ['an unknown flag', grpcMessage('a', 2), GrpcStatus.internal, 'unknown flag'],
    ['a compressed message of no encoding', grpcMessage('a', 1), GrpcStatus.internal, 'encoding'],
    [
      'a claim of 4 GiB',
      Buffer.from([0, 255, 255, 255, 255]),
      GrpcStatus.resourceExhausted,
      'Received message larger than max (4294967295 vs. 1000)',
    ],
  ])('with %s fail', async (_what, body, code, text) => {
    await start(echo, { limits: { receiveMessageBytesMax: 1000 } });
    await call(grpcFields('/a.B/C'), body);
    expect([status(), reason()]).toEqual([code, expect.stringContaining(text)]);
  });

  test('that nobody knows are unimplemented', async () => {
    await start(echo);
    await call(grpcFields('/a.B/Other'));
    expect([status(), reason()]).toEqual([12, 'Method not found: /a.B/Other']);
  });

  test('fail with what their handler says, percent-encoded', async () => {
    await start(
      unary((_call, _message, responder) => {
        responder.fail(3, 'bad: 50% \n€', [['x-more-bin', Buffer.from([1, 2])]]);
      }),
    );
    await call();
    expect([status(), reason()]).toEqual([3, 'bad: 50%25 %0A%E2%82%AC']);
    expect(client.field(1, 'x-more-bin')).toBe('AQI');
    expect(client.of(1)).toHaveLength(1);
  });

  test('fail when their handler throws', async () => {
    await start(
      unary(() => {
        throw new Error('secret');
      }),
    );
    await call();
    expect([status(), reason()]).toEqual([13, 'internal error']);
    expect(faults).toEqual([new Error('secret')]);
  });

  test('are answered once', async () => {
    await start(
      unary((_call, message, responder) => {
        responder.send([message]);
        expect(() => responder.send([message])).toThrow('once');
        expect(() => responder.fail(1, '')).toThrow('once');
      }),
    );
    await call();
    expect([status(), faults]).toEqual([0, []]);
  });

  test('may not answer with more than the limit', async () => {
    await start(echo, { limits: { sendMessageBytesMax: 3 } });
    await call(grpcFields('/a.B/C'), grpcMessage('four'));
    expect([status(), reason()]).toEqual([8, 'Sent message larger than max (4 vs. 3)']);
  });

  test('carry metadata both ways', async () => {
    let entries: unknown = null;
    await start(
      unary((call, message, responder) => {
        entries = [...call.metadataEntries(), call.metadata('x-text'), call.metadata('x-none')];
        responder.start([['x-initial', 'one']]);
        responder.send([message], [['x-trailing', 'two']]);
      }),
    );
    await call(
      grpcFields('/a.B/C', [
        ['x-text', 'text'],
        ['x-data-bin', 'AQI,Aw=='],
        ['user-agent', 'test'],
      ]),
    );
    expect(entries).toEqual([
      ['x-text', 'text'],
      ['x-data-bin', Buffer.from([1, 2])],
      ['x-data-bin', Buffer.from([3])],
      ['user-agent', 'test'],
      'text',
      null,
    ]);
    expect([client.field(1, 'x-initial'), client.field(1, 'x-trailing')]).toEqual(['one', 'two']);
  });
});

describe('compression', () => {
  test.each(['gzip', 'deflate'] as const)('with %s works both ways', async (encoding) => {
    const large = Buffer.alloc(100_000, 'abc');
    await start(
      unary((_call, message, responder) => {
        responder.compress(6);
        responder.send([message]);
      }),
    );
    const fields = grpcFields('/a.B/C', [
      ['grpc-encoding', 'gzip'],
      ['grpc-accept-encoding', `identity,${encoding}`],
    ]);
    await call(fields, grpcMessage(gzipSync(large), 1));
    expect(client.field(1, 'grpc-encoding')).toBe(encoding);
    const body = client.body(1);
    expect(body[0]).toBe(1);
    const inflate = encoding === 'gzip' ? gunzipSync : inflateSync;
    expect(inflate(body.subarray(5)).equals(large)).toBe(true);
    expect(status()).toBe(0);
  });

  test.each([
    ['small', 100_000],
    ['large', 50_000_000],
  ])('refuses a %s bomb', async (_size, byteLength) => {
    await start(echo, { limits: { receiveMessageBytesMax: 90_000 } });
    const bomb = grpcMessage(gzipSync(Buffer.alloc(byteLength)), 1);
    client.headers(1, grpcFields('/a.B/C', [['grpc-encoding', 'gzip']]));
    for (let at = 0; at < bomb.length; at += 16_384) {
      client.data(1, bomb.subarray(at, at + 16_384), at + 16_384 >= bomb.length);
    }
    await client.untilEnded(1);
    expect([status(), reason()]).toEqual([8, expect.stringContaining('larger than max')]);
  });

  test('refuses broken data and unknown encodings', async () => {
    await start(echo);
    await call(grpcFields('/a.B/C', [['grpc-encoding', 'gzip']]), grpcMessage('junk', 1));
    expect([status(), reason()]).toEqual([13, 'a message that cannot be inflated']);
    client.headers(3, grpcFields('/a.B/C', [['grpc-encoding', 'snappy']]));
    await client.untilEnded(3);
    expect([status(3), reason(3)]).toEqual([12, 'unknown grpc-encoding: snappy']);
    expect(client.field(3, 'grpc-accept-encoding')).toBe('identity,deflate,gzip');
  });
});

describe('ends', () => {
  test('a deadline answers and cancels', async () => {
    let cancelled = 0;
    let deadlineNs: number | null = null;
    await start(
      unary((call, _message, responder) => {
        deadlineNs = call.deadlineNs;
        call.onCancelled(() => {
          cancelled++;
          responder.send([]);
        });
      }),
    );
    const beforeNs = performance.now() * 1e6;
    await call(grpcFields('/a.B/C', [['grpc-timeout', '20m']]));
    expect([status(), reason(), cancelled]).toEqual([4, 'Deadline Exceeded', 1]);
    expect(deadlineNs).toBeGreaterThanOrEqual(beforeNs + 20e6);
  });

  test('a deadline of 1 ns answers', async () => {
    await start(unary(() => {}));
    await call(grpcFields('/a.B/C', [['grpc-timeout', '1n']]));
    expect(status()).toBe(4);
  });

  test('a reset cancels, and nothing more is sent', async () => {
    let responder: GrpcUnaryResponder | null = null;
    const cancelled = new Promise<void>((resolve) => {
      void start(
        unary((call, _message, given) => {
          responder = given;
          call.onCancelled(resolve);
          client.reset(1);
        }),
      ).then(() => client.call(1, '/a.B/C', 'x'));
    });
    await cancelled;
    (responder as GrpcUnaryResponder | null)?.send([]);
    await client.settle();
    expect(client.of(1)).toEqual([]);
  });

  test('a connection that goes cancels all calls', async () => {
    let open = 0;
    let resolveAll = (): void => {};
    const all = new Promise<void>((resolve) => {
      resolveAll = resolve;
    });
    await start(
      unary((call) => {
        open++;
        call.onCancelled(() => {
          open--;
          if (open === 0) resolveAll();
        });
        if (open === 3) client.destroy();
      }),
    );
    for (const id of [1, 3, 5]) client.call(id, '/a.B/C', 'x');
    await all;
  });

  test('closing the server lets calls finish and tells clients to go', async () => {
    let responder: GrpcUnaryResponder | null = null;
    await start(
      unary((_call, _message, given) => {
        responder = given;
      }),
    );
    client.call(1, '/a.B/C', 'x');
    await client.settle();
    const closed = server?.close({ graceMs: 5000 });
    await client.until(() => client.frames.some(({ type }) => type === FrameType.goaway));
    client.ping('draining', 1);
    await client.until(
      () => client.frames.filter(({ type }) => type === FrameType.goaway).length === 2,
    );
    const goaways = client.frames.filter(({ type }) => type === FrameType.goaway);
    expect(goaways.map(({ payload }) => payload.readUInt32BE(0))).toEqual([2 ** 31 - 1, 1]);
    (responder as GrpcUnaryResponder | null)?.send([Buffer.from('late')]);
    await client.untilEnded(1);
    expect(status()).toBe(0);
    await client.untilClosed();
    await closed;
  });
});

describe('streams', () => {
  const streaming = (
    open: (stream: GrpcStream, call: GrpcCall) => Partial<Reader>,
  ): GrpcMethod => ({
    kind: 'stream',
    open: (call, stream) => ({ onMessage() {}, onHalfClose() {}, ...open(stream, call) }),
  });
  interface Reader {
    onMessage(message: Uint8Array): void;
    onHalfClose(): void;
  }

  test('answer each message and end when told', async () => {
    await start(
      streaming((stream) => ({
        onMessage: (message) => {
          stream.write([message]);
        },
        onHalfClose: () => stream.end([['x-end', 'yes']]),
      })),
    );
    client.headers(1, grpcFields('/a.B/C'));
    client.data(1, Buffer.concat([grpcMessage('a'), grpcMessage(''), grpcMessage('ccc')]));
    await client.until(() => client.body(1).length === 19);
    client.data(1, '', true);
    await client.untilEnded(1);
    expect(client.body(1).toString('latin1')).toBe('\0\0\0\0\x01a\0\0\0\0\0\0\0\0\0\x03ccc');
    expect([status(), client.field(1, 'x-end')]).toEqual([0, 'yes']);
  });

  test('say when the client is behind, and go on when it reads', async () => {
    const log: unknown[] = [];
    await start(
      streaming((stream) => ({
        onHalfClose: () => {
          log.push(stream.write([Buffer.alloc(10)]));
          log.push(stream.write([Buffer.alloc(100_000)]));
          void stream.drained().then(() => {
            log.push('drained');
            stream.end();
          });
        },
      })),
    );
    client.headers(1, grpcFields('/a.B/C'), true);
    await client.until(() => client.body(1).length === 65_535);
    expect(log).toEqual([true, false]);
    client.windowUpdate(0, 100_000);
    client.windowUpdate(1, 100_000);
    await client.untilEnded(1);
    expect(log).toEqual([true, false, 'drained']);
    expect(client.body(1).length).toBe(100_020);
    expect(status()).toBe(0);
  });

  test('end when the client never reads and answers keep coming', async () => {
    let cancelled = false;
    let written = 0;
    await start(
      streaming((stream, call) => ({
        onHalfClose: () => {
          call.onCancelled(() => {
            cancelled = true;
          });
          while (!call.cancelled && written < 1000) {
            stream.write([Buffer.alloc(10_000)]);
            written++;
          }
        },
      })),
      { limits: { sendBufferBytesMax: 1_000_000 } },
    );
    client.headers(1, grpcFields('/a.B/C'), true);
    await client.untilEnded(1);
    expect(client.resetCode(1)).toBe(11);
    expect(cancelled).toBe(true);
    expect(written).toBeLessThan(110);
  });

  test('paused, they take no more than their window, and nothing is lost', async () => {
    const seen: string[] = [];
    let stream: GrpcStream | null = null;
    await start(
      streaming((given) => {
        stream = given;
        return {
          onMessage: (message) => {
            seen.push(Buffer.from(message).toString());
            given.pause();
          },
          onHalfClose: () => given.end(),
        };
      }),
    );
    client.headers(1, grpcFields('/a.B/C'));
    client.data(1, Buffer.concat(['1', '2', '3'].map((text) => grpcMessage(text))));
    client.data(1, grpcMessage('4').subarray(0, 5));
    client.data(1, '4', true);
    await client.settle();
    for (const count of [1, 2, 3, 4]) {
      expect(seen).toHaveLength(count);
      (stream as GrpcStream | null)?.resume();
    }
    await client.untilEnded(1);
    expect([seen, status()]).toEqual([['1', '2', '3', '4'], 0]);
  });

  test('keep the order of compressed messages, large and small', async () => {
    const sizes: number[] = [];
    await start(
      streaming((stream) => ({
        onMessage: (message) => sizes.push(message.length),
        onHalfClose: () => {
          stream.compress(1);
          stream.write([Buffer.alloc(100_000, 'x')]);
          stream.compress(0);
          stream.write([Buffer.from('plain')]);
          stream.compress(1);
          stream.write([Buffer.alloc(50_000, 'y')]);
          stream.end();
        },
      })),
    );
    const sent = [200_000, 10, 90_000].map((size) => grpcMessage(gzipSync(Buffer.alloc(size)), 1));
    const fields: [string, string][] = [
      ['grpc-encoding', 'gzip'],
      ['grpc-accept-encoding', 'gzip'],
    ];
    client.headers(1, grpcFields('/a.B/C', fields));
    client.data(1, Buffer.concat(sent), true);
    await client.untilEnded(1);
    expect(sizes).toEqual([200_000, 10, 90_000]);
    const body = client.body(1);
    const flags: number[] = [];
    for (let at = 0; at < body.length; at += 5 + body.readUInt32BE(at + 1)) {
      flags.push(body[at] as number);
    }
    expect([flags, status()]).toEqual([[1, 0, 1], 0]);
  });
});
