import { afterEach, describe, expect, test } from 'vitest';
import type { GrpcMethod } from './grpc/grpc-handler.ts';
import { encodeHeaderBlock } from './hpack/hpack-encoder.ts';
import { HttpServer, type HttpServerOptions } from './http-server.ts';
import { ErrorCode, FrameFlag, FrameType } from './http2/frame.ts';
import type { Http2Limits } from './http2/http2-limits.ts';
import {
  FrameClient,
  frame,
  grpcFields,
  grpcMessage,
  settings,
  uint32,
} from './testing/frame-client.ts';

let server: HttpServer;
let client: FrameClient;
let port: number;
let open = 0;
let handled = 0;

/** Holds every call until it is cancelled. */
const hold: GrpcMethod = {
  kind: 'unary',
  handle(call) {
    handled++;
    open++;
    call.onCancelled(() => {
      open--;
    });
  },
};
/** Reads nothing of what the client sends. */
const paused: GrpcMethod = {
  kind: 'stream',
  open(_call, stream) {
    stream.pause();
    return { onMessage() {}, onHalfClose() {} };
  },
};
const echo: GrpcMethod = {
  kind: 'unary',
  handle(_call, message, responder) {
    handled++;
    responder.send([message]);
  },
};

const methods = new Map<string, GrpcMethod>([
  ['/hold', hold],
  ['/echo', echo],
  ['/paused', paused],
]);

async function start(
  http2: Partial<Http2Limits> = {},
  options: Partial<HttpServerOptions> = {},
): Promise<void> {
  open = 0;
  handled = 0;
  server = new HttpServer(
    { handle: (request, responder) => responder.send(200, [], request.body) },
    {
      http2,
      grpc: {
        handler: { find: (path) => methods.get(path) ?? null },
        keepalive: { pingStrikesMax: null },
      },
      ...options,
    },
  );
  ({ port } = await server.listen({ host: '127.0.0.1', port: 0 }));
  client = await FrameClient.open(port);
}

afterEach(async () => {
  client.destroy();
  await server.close({ graceMs: 0 });
});

/** The connection ends with this code, and the server goes on. */
async function expectGoaway(code: number): Promise<void> {
  await client.untilClosed();
  expect(client.goawayCode).toBe(code);
  const other = await FrameClient.open(port);
  other.call(1, '/echo', 'still there');
  await other.untilEnded(1);
  expect(other.field(1, 'grpc-status')).toBe('0');
  other.destroy();
}

const { enhanceYourCalm } = ErrorCode;
const block = encodeHeaderBlock(grpcFields('/echo'));
const callBytes = (id: number, path: string): Buffer =>
  Buffer.concat([
    frame(FrameType.headers, FrameFlag.endHeaders, id, encodeHeaderBlock(grpcFields(path))),
    frame(FrameType.data, FrameFlag.endStream, id, grpcMessage('x')),
  ]);
const repeat = (count: number, bytes: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => bytes(index)));

describe('floods', () => {
  test('a rapid reset ends the connection', async () => {
    await start({ resetsPerSecondMax: 100 });
    const reset = (index: number): Buffer =>
      Buffer.concat([
        callBytes(2 * index + 1, '/hold'),
        frame(FrameType.rstStream, 0, 2 * index + 1, uint32(8)),
      ]);
    client.send(repeat(5000, reset));
    await expectGoaway(enhanceYourCalm);
    expect(open).toBe(0);
    expect(handled).toBeLessThanOrEqual(102);
  });

  test('streams that the server is made to reset count as well', async () => {
    await start({ resetsPerSecondMax: 100 });
    const broken = (index: number): Buffer =>
      Buffer.concat([
        callBytes(2 * index + 1, '/hold'),
        frame(FrameType.windowUpdate, 0, 2 * index + 1, uint32(0)),
      ]);
    client.send(repeat(5000, broken));
    await expectGoaway(enhanceYourCalm);
    expect(open).toBe(0);
  });

  test('a storm of a thousand cancelled calls is borne', async () => {
    await start();
    client.send(repeat(1000, (index) => callBytes(2 * index + 1, '/hold')));
    await client.settle();
    expect(open).toBe(1000);
    client.send(repeat(1000, (index) => frame(FrameType.rstStream, 0, 2 * index + 1, uint32(8))));
    await client.settle();
    expect(open).toBe(0);
    client.call(2001, '/echo', 'x');
    await client.untilEnded(2001);
    expect(client.field(2001, 'grpc-status')).toBe('0');
  });

  test.each([
    ['PING', frame(FrameType.ping, 0, 0, Buffer.alloc(8))],
    ['SETTINGS', settings([4, 1])],
    ['WINDOW_UPDATE', frame(FrameType.windowUpdate, 0, 0, uint32(1))],
    ['PRIORITY', frame(FrameType.priority, 0, 1, Buffer.from([0, 0, 0, 3, 1]))],
    ['frames of an unknown type', frame(200, 0, 0, Buffer.alloc(0))],
    ['PING answers nobody asked for', frame(FrameType.ping, FrameFlag.ack, 0, Buffer.alloc(8))],
  ])('of %s end the connection', async (_what, bytes) => {
    await start({ controlFramesPerSecondMax: 1000 });
    client.send(repeat(5000, () => bytes));
    await expectGoaway(enhanceYourCalm);
  });

  test('CONTINUATION without an end ends the connection', async () => {
    await start();
    client.send(frame(FrameType.headers, 0, 1, block));
    client.send(repeat(100, () => frame(FrameType.continuation, 0, 1, Buffer.alloc(0))));
    await expectGoaway(enhanceYourCalm);
  });

  test('a header block beyond its limit ends the connection', async () => {
    await start({ headerBlockBytesMax: 20_000 });
    const more = Buffer.alloc(16_384, 0x82);
    client.send(frame(FrameType.headers, 0, 1, block));
    client.send(repeat(3, () => frame(FrameType.continuation, 0, 1, more)));
    await expectGoaway(enhanceYourCalm);
  });

  test('empty DATA frames end the connection', async () => {
    await start();
    client.headers(1, grpcFields('/echo'));
    client.send(repeat(500, () => frame(FrameType.data, 0, 1, Buffer.alloc(0))));
    await expectGoaway(enhanceYourCalm);
  });

  test('DATA frames of one byte make a message like any other', async () => {
    await start();
    const message = grpcMessage(Buffer.alloc(3000, 'x'));
    client.headers(1, grpcFields('/echo'));
    client.send(
      repeat(message.length, (at) => frame(FrameType.data, 0, 1, message.subarray(at, at + 1))),
    );
    client.data(1, '', true);
    await client.untilEnded(1);
    expect(client.body(1).equals(message)).toBe(true);
  });

  test('10,000 streams at once: those beyond the limit are refused', async () => {
    await start({ streamsMax: 1000, resetsPerSecondMax: 100_000 });
    client.send(repeat(10_000, (index) => callBytes(2 * index + 1, '/hold')));
    await client.until(
      () => client.frames.filter(({ type }) => type === FrameType.rstStream).length === 9000,
    );
    expect(open).toBe(1000);
    expect(client.resetCode(2001)).toBe(ErrorCode.refusedStream);
  });
});

describe('limits and broken rules', () => {
  test.each([
    ['the connection', 0, () => client.goawayCode],
    ['a stream', 1, () => client.resetCode(1)],
  ])('a window of %s beyond 2^31-1', async (_what, streamId, code) => {
    await start();
    client.headers(1, grpcFields('/echo'));
    client.windowUpdate(streamId, 2 ** 31 - 1);
    await client.until(() => code() !== null || client.closed);
    expect(code()).toBe(ErrorCode.flowControlError);
  });

  test('more DATA than the window of a stream that is not read', async () => {
    await start({ streamWindowBytes: 30_000 });
    client.headers(1, grpcFields('/paused'));
    for (let count = 0; count < 3; count++) client.data(1, Buffer.alloc(10_000));
    await client.settle();
    expect(client.ended(1)).toBe(false);
    client.data(1, 'x');
    await client.untilEnded(1);
    expect(client.resetCode(1)).toBe(ErrorCode.flowControlError);
  });

  test('more DATA than the window of the connection, on streams that are not read', async () => {
    await start({ connectionWindowBytes: 65_535 });
    for (const id of [1, 3, 5, 7, 9]) {
      client.headers(id, grpcFields('/paused'));
      client.data(id, Buffer.alloc(13_107));
    }
    await client.settle();
    client.data(1, 'x');
    await expectGoaway(ErrorCode.flowControlError);
  });

  test('streams that end unread give the window of the connection back', async () => {
    await start({ connectionWindowBytes: 65_535 });
    for (let id = 1; id < 40; id += 2) {
      client.headers(id, grpcFields('/paused'));
      client.data(id, Buffer.alloc(16_000));
      client.reset(id);
      await client.settle();
    }
    expect(client.goawayCode).toBeNull();
    expect(client.of(0).some(({ type }) => type === FrameType.windowUpdate)).toBe(true);
  });

  test('requests that are never completed hold no more than the limit, one alone may', async () => {
    await start({ requestBytesMax: 50_000 });
    const large = grpcMessage(Buffer.alloc(200_000));
    for (const id of [1, 3]) client.headers(id, grpcFields('/echo'));
    const send = (id: number, start: number, end: number): void => {
      for (let at = start; at < end; at += 10_000) client.data(id, large.subarray(at, at + 10_000));
    };
    send(1, 0, 100_000);
    await client.settle();
    expect(client.ended(1)).toBe(false);
    send(3, 0, 10_000);
    await client.untilEnded(3);
    expect(client.resetCode(3)).toBe(enhanceYourCalm);
    send(1, 100_000, 200_000);
    client.data(1, large.subarray(200_000), true);
    await client.until(() => client.body(1).length === 65_535);
    client.reset(1);
    // Nothing is counted any more.
    client.headers(5, grpcFields('/echo'));
    send(5, 0, 60_000);
    await client.settle();
    expect(client.ended(5)).toBe(false);
  });

  test('a header list over the limit is answered 431, and the connection goes on', async () => {
    await start({ headerListBytesMax: 1000 });
    client.headers(1, grpcFields('/echo', [['x', 'y'.repeat(2000)]]));
    await client.untilEnded(1);
    expect(client.field(1, ':status')).toBe('431');
    client.call(3, '/echo', 'x');
    await client.untilEnded(3);
    expect(client.field(3, 'grpc-status')).toBe('0');
  });

  test.each([
    ['broken Huffman code', Buffer.from([0x40, 0x81, 0xff, 0x00]), ErrorCode.compressionError],
    ['a table larger than the limit', Buffer.from([0x3f, 0xe2, 0x1f]), ErrorCode.compressionError],
    ['a number without end', Buffer.alloc(20, 0xff), ErrorCode.compressionError],
  ])('%s in a header', async (_what, bytes, code) => {
    await start();
    client.send(frame(FrameType.headers, 5, 1, bytes));
    await expectGoaway(code);
  });

  test.each([
    ['capitals in a name', [['X-Y', '1']]],
    ['a connection header', [['connection', 'close']]],
    ['a line break', [['x', 'a\r\nb']]],
    ['blanks around a value', [['x', ' a']]],
    ['a pseudo-header after others', [[':path', '/']]],
    ['te but trailers', [['te', 'gzip']]],
    [
      'two lengths',
      [
        ['content-length', '1'],
        ['content-length', '2'],
      ],
    ],
  ] as [string, [string, string][]][])('a request with %s', async (_what, more) => {
    await start();
    client.headers(1, grpcFields('/echo', more));
    await client.untilEnded(1);
    expect(client.resetCode(1)).toBe(ErrorCode.protocolError);
    expect(handled).toBe(0);
  });

  test('a claim of a large message costs nothing before its bytes come', async () => {
    await start();
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 500; index++) {
      client.headers(2 * index + 1, grpcFields('/echo'));
      client.data(2 * index + 1, Buffer.concat([Buffer.from([0, 0x7f, 0, 0, 0]), Buffer.alloc(9)]));
    }
    await client.settle();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  });

  test('a client that stops in the middle of a header is dropped', async () => {
    await start({}, { limits: { headerTimeoutMs: 40 } });
    client.send(frame(FrameType.headers, 4, 1, block).subarray(0, 20));
    await client.untilClosed();
  });

  test('a client that sends its preface and nothing more is dropped', async () => {
    await start({}, { limits: { headerTimeoutMs: 40 } });
    const silent = await FrameClient.open(port, Buffer.alloc(0));
    await silent.untilClosed();
  });

  test('a client that begins a header and goes on for ever is dropped', async () => {
    await start({ continuationsMax: 1000 }, { limits: { headerTimeoutMs: 60 } });
    client.send(frame(FrameType.headers, 0, 1, block));
    while (!client.closed) {
      client.send(frame(FrameType.continuation, 0, 1, Buffer.alloc(0)));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });

  test('a unary call whose message stops is reset', async () => {
    await start({}, { limits: { bodyTimeoutMs: 40 } });
    client.headers(1, grpcFields('/echo'));
    client.data(1, grpcMessage('abc').subarray(0, 6));
    await client.untilEnded(1);
    expect(client.resetCode(1)).toBe(ErrorCode.cancel);
  });

  test.each([
    ['a gRPC message', grpcFields('/echo')],
    ['a body', [...grpcFields('/').slice(0, 4), ['content-length', '1000000']] as const],
  ])('%s that trickles in is cut off, however little it pauses', async (_, fields) => {
    await start({}, { limits: { bodyTimeoutMs: 60 } });
    client.headers(1, fields);
    // A message of a megabyte, or whatever a body is.
    client.data(1, Buffer.of(0, 0, 16, 0, 0));
    const trickle = setInterval(() => client.data(1, Buffer.of(0)), 10);
    await client.untilEnded(1);
    clearInterval(trickle);
  });

  test('a connection without calls ends gracefully', async () => {
    await start({ idleTimeoutMs: 20, drainTimeoutMs: 20 }, { limits: { lingerTimeoutMs: 40 } });
    await client.untilClosed();
    expect(client.goawayCode).toBe(ErrorCode.noError);
  });
});

describe('keepalive', () => {
  test('too many PINGs without calls end the connection', async () => {
    await start({}, { grpc: { handler: { find: () => hold }, keepalive: { pingStrikesMax: 2 } } });
    for (let count = 0; count < 4; count++) client.ping();
    await client.untilClosed();
    expect(client.goawayCode).toBe(enhanceYourCalm);
    const goaway = client.frames.find(({ type }) => type === FrameType.goaway);
    expect(goaway?.payload.toString('latin1', 8)).toBe('too_many_pings');
  });

  test('PINGs after each answer are fine', async () => {
    await start({}, { grpc: { handler: { find: () => echo }, keepalive: { pingStrikesMax: 2 } } });
    for (let id = 1; id < 20; id += 2) {
      client.call(id, '/echo', 'x');
      await client.untilEnded(id);
      await client.settle();
    }
    expect(client.goawayCode).toBeNull();
  });

  test('a client that does not answer PINGs is dropped', async () => {
    await start(
      {},
      {
        limits: { lingerTimeoutMs: 40 },
        grpc: {
          handler: { find: () => hold },
          keepalive: { keepaliveTimeMs: 20, keepaliveTimeoutMs: 20, permitWithoutCalls: true },
        },
      },
    );
    await client.untilClosed();
    const pings = client.frames.filter(({ type }) => type === FrameType.ping);
    expect(pings.map(({ payload }) => payload.toString('latin1'))).toEqual(['keepaliv']);
  });

  test('an old connection is told to go, and its calls get their grace', async () => {
    await start(
      { drainTimeoutMs: 20 },
      {
        limits: { lingerTimeoutMs: 40 },
        grpc: {
          handler: { find: () => hold },
          keepalive: { connectionAgeMaxMs: 20, connectionAgeGraceMs: 50 },
        },
      },
    );
    client.call(1, '/hold', 'x');
    await client.untilClosed();
    expect(client.goawayCode).toBe(ErrorCode.noError);
    expect(client.frames.filter(({ type }) => type === FrameType.goaway)).toHaveLength(2);
  });
});
