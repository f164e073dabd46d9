import { gzipSync } from 'node:zlib';
import { encodeMessage } from '@nereid/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeHeaderBlock } from '../../../transport/src/hpack/hpack-encoder.ts';
import { FrameFlag, FrameType } from '../../../transport/src/http2/frame.ts';
import {
  type FrameClient,
  frame,
  grpcAnswerFields,
  grpcMessage,
  settings,
  uint32,
} from '../../../transport/src/testing/frame-client.ts';
import { FrameServer } from '../../../transport/src/testing/frame-server.ts';
import { InferenceError } from '../inference-error.ts';
import { GrpcClient, type GrpcClientOptions } from './grpc-client.ts';

const closings: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

interface Attack {
  readonly server: FrameServer;
  readonly client: GrpcClient;
  readonly connection: FrameClient;
  /** What the call in flight ended with. */
  readonly outcome: Promise<string>;
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InferenceError);
  return `${(error as InferenceError).code}: ${(error as InferenceError).message}`;
}

/** A server that has got one call. */
async function oneCall(options?: GrpcClientOptions, first?: Uint8Array | null): Promise<Attack> {
  const server = await FrameServer.start(first);
  const client = new GrpcClient(`127.0.0.1:${server.port}`, options);
  closings.push(
    () => server.close(),
    () => client.close(),
  );
  const outcome = failure(client.isServerLive());
  const connection = await server.connection();
  if (first === undefined) await connection.untilEnded(1);
  return { server, client, connection, outcome };
}

/** After an attack the client still works: on the same connection, or on another. */
async function worksAgain({ server, client }: Attack, where: 'here' | 'anew'): Promise<void> {
  const asked = client.isServerLive();
  const connection = await server.connection(where === 'here' ? 0 : 1);
  const calls = (): number[] =>
    connection.frames.filter(({ type }) => type === FrameType.headers).map((one) => one.streamId);
  await connection.until(() => calls().length >= (where === 'here' ? 2 : 1));
  const id = calls().at(-1) as number;
  connection.answer(id, encodeMessage('inference.ServerLiveResponse', { live: true }));
  expect(await asked).toBe(true);
}

const headers = (fields: Parameters<typeof encodeHeaderBlock>[0], flags: number): Buffer =>
  frame(FrameType.headers, flags, 1, encodeHeaderBlock(fields));
const ok = headers(grpcAnswerFields, FrameFlag.endHeaders);

describe('a server that breaks HTTP/2', () => {
  it.each<[string, Uint8Array, RegExp, number]>([
    ['sends garbage', Buffer.alloc(64, 0xee), /ENHANCE_YOUR_CALM/u, 11],
    [
      'ends a connection window by overflow',
      frame(8, 0, 0, uint32(2 ** 31 - 1)),
      /FLOW_CONTROL/u,
      3,
    ],
    [
      'opens a stream of its own',
      frame(1, 5, 2, encodeHeaderBlock(grpcAnswerFields)),
      /PROTOCOL/u,
      1,
    ],
    [
      'pushes',
      frame(5, 4, 1, Buffer.concat([uint32(2), encodeHeaderBlock(grpcAnswerFields)])),
      /PROTOCOL/u,
      1,
    ],
    ['says that it pushes', settings([2, 1]), /PROTOCOL/u, 1],
    ['gives a window that is none', settings([4, 2 ** 31]), /FLOW_CONTROL/u, 3],
    ['gives a frame size that is none', settings([5, 1]), /PROTOCOL/u, 1],
    [
      'sends a header that cannot be decoded',
      frame(1, 4, 1, Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
      /COMPRESSION/u,
      9,
    ],
    [
      'fills tables beyond their size',
      frame(1, 4, 1, Buffer.of(0x3f, 0xe2, 0x1f)),
      /COMPRESSION/u,
      9,
    ],
    [
      'never ends a header',
      Buffer.concat([
        headers(grpcAnswerFields, 0),
        ...Array.from({ length: 17 }, () => frame(9, 0, 1, Buffer.of(0x88))),
      ]),
      /ENHANCE_YOUR_CALM/u,
      11,
    ],
    [
      'sends a header of a megabyte',
      frame(1, 4, 1, Buffer.alloc(1 << 20, 0x88)),
      /ENHANCE_YOUR_CALM/u,
      11,
    ],
    [
      'interrupts a header',
      Buffer.concat([headers(grpcAnswerFields, 0), frame(6, 0, 0, Buffer.alloc(8))]),
      /PROTOCOL/u,
      1,
    ],
    ['sends PINGs of a wrong length', frame(6, 0, 0, Buffer.alloc(3)), /FRAME_SIZE/u, 6],
    ['sends GOAWAY of a stream', frame(7, 0, 1, Buffer.alloc(8)), /PROTOCOL/u, 1],
    ['sends DATA of a stream that nobody began', frame(0, 0, 9, Buffer.alloc(8)), /PROTOCOL/u, 1],
    [
      'floods with PINGs',
      Buffer.concat(Array.from({ length: 11_000 }, () => frame(6, 1, 0, Buffer.alloc(8)))),
      /ENHANCE_YOUR_CALM/u,
      11,
    ],
    [
      'floods with SETTINGS',
      Buffer.concat(Array.from({ length: 11_000 }, () => settings())),
      /ENHANCE_YOUR_CALM/u,
      11,
    ],
    [
      'floods with empty DATA',
      Buffer.concat([ok, ...Array.from({ length: 200 }, () => frame(0, 0, 1, Buffer.alloc(0)))]),
      /ENHANCE_YOUR_CALM/u,
      11,
    ],
  ])('and %s', async (_, bytes, reason, code) => {
    const attack = await oneCall();
    attack.connection.send(bytes);
    expect(await attack.outcome).toMatch(/^INTERNAL: .*the answer breaks HTTP\/2/u);
    expect(await attack.outcome).toMatch(reason);
    // At once, though the connection is not closed yet.
    await worksAgain(attack, 'anew');
    await attack.connection.untilClosed();
    expect(attack.connection.goawayCode).toBe(code);
  });

  it.each<[string, Uint8Array]>([
    ['DATA before its header', frame(0, 0, 1, Buffer.alloc(8))],
    ['a header without a status', headers([['content-type', 'application/grpc']], 4)],
    ['a status that is none', headers([[':status', 'ok']], 4)],
    ['an interim answer at the end', headers([[':status', '103']], 5)],
    ['trailers that go on', Buffer.concat([ok, ok])],
    ['trailers with a status line', Buffer.concat([ok, headers([[':status', '200']], 5)])],
    ['a stream window that overflows', Buffer.concat([frame(8, 0, 1, uint32(2 ** 31 - 1))])],
  ])('on one stream: %s', async (_, bytes) => {
    const attack = await oneCall();
    attack.connection.send(bytes);
    const outcome = await attack.outcome;
    expect(outcome).toMatch(/^INTERNAL: .*the answer breaks HTTP\/2/u);
    await attack.connection.until(({ frames }) => frames.some(({ type }) => type === 3));
    // The connection stays.
    await worksAgain(attack, 'here');
    expect(attack.server.connections).toHaveLength(1);
  });

  it('and sends more than the window of a stream holds', async () => {
    const server = await FrameServer.start();
    const client = new GrpcClient(`127.0.0.1:${server.port}`);
    closings.push(
      () => server.close(),
      () => client.close(),
    );
    const stream = await client.openStream();
    const connection = await server.connection();
    await connection.until(({ frames }) => frames.some(({ type }) => type === FrameType.headers));
    // Of what nobody reads the client holds 16 MiB.
    const message = encodeMessage('inference.ModelStreamInferResponse', { error_message: 'x' });
    connection.send(ok, frame(0, 0, 1, Buffer.concat(Array(100).fill(grpcMessage(message)))));
    const piece = frame(0, 0, 1, Buffer.alloc(4 * 1024 * 1024));
    for (let count = 0; count < 5; count++) connection.send(piece);
    await connection.until(() => connection.resetCode(1) !== null);
    expect(connection.resetCode(1)).toBe(3);
    const read = async () => {
      for await (const answer of stream) expect(answer.error?.message).toBe('x');
    };
    expect(await failure(read())).toMatch(/^INTERNAL: .*FLOW_CONTROL_ERROR/u);
  });

  it.each([
    [
      'a header larger than the limit',
      [...grpcAnswerFields, ['x', 'y'.repeat(63_000)] as const, ['z', 'y'.repeat(3000)] as const],
    ],
  ])('sends %s', async (_, fields) => {
    const attack = await oneCall();
    const block = encodeHeaderBlock(fields.map(([name, value]) => [name, value, true] as const));
    const pieces = [
      block.subarray(0, 16_000),
      block.subarray(16_000, 32_000),
      block.subarray(32_000),
    ];
    attack.connection.send(
      frame(1, 0, 1, pieces[0] as Buffer),
      frame(9, 0, 1, pieces[1] as Buffer),
      frame(9, 4, 1, pieces[2] as Buffer),
    );
    expect(await attack.outcome).toMatch(/a header of the answer is larger than the limit/u);
    await worksAgain(attack, 'here');
  });
});

describe('a server that is gone, or goes', () => {
  it('says nothing', async () => {
    const { outcome } = await oneCall({ connectTimeoutMs: 30 }, null);
    expect(await outcome).toMatch(/^UNAVAILABLE: .*no HTTP\/2 server answered within 30 ms$/u);
  });

  it('speaks HTTP/1', async () => {
    const text = 'HTTP/1.1 400 Bad Request\r\n\r\n';
    const { outcome } = await oneCall({}, Buffer.from(text));
    expect(await outcome).toMatch(/^UNAVAILABLE: .*does not speak HTTP\/2 here.*HTTP\/1/u);
  });

  it('begins with something else than SETTINGS', async () => {
    const { outcome } = await oneCall({}, frame(6, 0, 0, Buffer.alloc(8)));
    expect(await outcome).toMatch(/does not begin with SETTINGS/u);
  });

  it.each<[string, Uint8Array]>([
    ['before the answer', Buffer.alloc(0)],
    ['in the middle of a frame', ok.subarray(0, 12)],
    ['in the middle of trailers', Buffer.concat([ok, headers([['grpc-status', '0']], 1)])],
    ['before trailers', Buffer.concat([ok, frame(0, 0, 1, grpcMessage('x'))])],
  ])('%s', async (_, bytes) => {
    const attack = await oneCall();
    attack.connection.socket.end(bytes);
    expect(await attack.outcome).toMatch(/^UNAVAILABLE: .*the server closed the connection$/u);
    await worksAgain(attack, 'anew');
  });

  it('with GOAWAY and a reason', async () => {
    const attack = await oneCall();
    const said = Buffer.concat([uint32(1), uint32(11), Buffer.from('too_many_pings')]);
    attack.connection.send(frame(FrameType.goaway, 0, 0, said));
    attack.connection.socket.end();
    expect(await attack.outcome).toMatch(
      /^UNAVAILABLE: .*ended the connection \(ENHANCE_YOUR_CALM\): too_many_pings$/u,
    );
    await worksAgain(attack, 'anew');
  });

  it.each<[number, string]>([
    [2, 'INTERNAL'],
    [8, 'CANCELLED'],
    [11, 'RESOURCE_EXHAUSTED'],
    [12, 'PERMISSION_DENIED'],
  ])('from one call, with code %i', async (code, expected) => {
    const attack = await oneCall();
    attack.connection.reset(1, code);
    expect(await attack.outcome).toMatch(
      new RegExp(`^${expected}: .*the server reset the call`, 'u'),
    );
    await worksAgain(attack, 'here');
  });
});

describe('a server that breaks gRPC', () => {
  const answer = (...parts: Uint8Array[]): Buffer =>
    Buffer.concat([ok, ...parts.map((part) => frame(0, 0, 1, part))]);
  const end = headers([['grpc-status', '0']], 5);

  it.each<[string, Uint8Array, RegExp]>([
    [
      'ends without a status',
      Buffer.concat([ok, headers([['a', 'b']], 5)]),
      /^UNAVAILABLE: the call ended without a status$/u,
    ],
    [
      'ends without an answer',
      Buffer.concat([ok, end]),
      /^UNIMPLEMENTED: the call ended without an answer$/u,
    ],
    [
      'ends in a message',
      Buffer.concat([answer(Buffer.of(0, 0, 0, 0, 9, 1)), end]),
      /^INTERNAL: the last message ends early$/u,
    ],
    [
      'answers twice',
      Buffer.concat([answer(grpcMessage('')), frame(0, 0, 1, grpcMessage('')), end]),
      /^INTERNAL: .*more than one answer$/u,
    ],
    [
      'sends an unknown flag',
      answer(grpcMessage('x', 9)),
      /^INTERNAL: a message with an unknown flag$/u,
    ],
    [
      'compresses without saying how',
      answer(grpcMessage(gzipSync('x'), 1)),
      /^INTERNAL: .*in a way that was not said$/u,
    ],
    [
      'compresses nothing',
      Buffer.concat([
        headers([...grpcAnswerFields, ['grpc-encoding', 'gzip']], 4),
        frame(0, 0, 1, grpcMessage('xxxx', 1)),
      ]),
      /^INTERNAL: a message cannot be inflated$/u,
    ],
    [
      'sends a bomb',
      Buffer.concat([
        headers([...grpcAnswerFields, ['grpc-encoding', 'gzip']], 4),
        frame(0, 0, 1, grpcMessage(gzipSync(Buffer.alloc(3_000_000)), 1)),
      ]),
      /^RESOURCE_EXHAUSTED: Received message larger than max/u,
    ],
    [
      'sends what is too large',
      answer(Buffer.of(0, 0x7f, 0xff, 0xff, 0xff)),
      /^RESOURCE_EXHAUSTED: Received message larger than max \(2147483647 vs\. 1000000\)$/u,
    ],
    [
      'answers as a web page',
      headers(
        [
          [':status', '200'],
          ['content-type', 'text/html'],
        ],
        4,
      ),
      /^UNKNOWN: .*does not answer with gRPC but text\/html, but with HTTP status 200$/u,
    ],
    [
      'answers as a proxy',
      headers(
        [
          [':status', '503'],
          ['content-type', 'text/html'],
        ],
        5,
      ),
      /^UNAVAILABLE: .*, but with HTTP status 503$/u,
    ],
    [
      'sends a number that is none',
      Buffer.concat([ok, headers([['grpc-status', 'x']], 5)]),
      /^UNKNOWN: $/u,
    ],
    [
      'sends text that cannot be decoded',
      headers([...grpcAnswerFields, ['grpc-status', '3'], ['grpc-message', '%zz']], 5),
      /^INVALID_ARGUMENT: %zz$/u,
    ],
    [
      'fails in its own words',
      headers([...grpcAnswerFields, ['grpc-status', '5'], ['grpc-message', 'caf%C3%A9']], 5),
      /^NOT_FOUND: café$/u,
    ],
  ])('and %s', async (_, bytes, expected) => {
    const attack = await oneCall({ messageBytesMax: 1_000_000 });
    attack.connection.send(bytes);
    expect(await attack.outcome).toMatch(expected);
    await worksAgain(attack, 'here');
    expect(attack.server.connections).toHaveLength(1);
  });

  it('does not get memory for what it only claims', async () => {
    const attack = await oneCall();
    const before = process.memoryUsage().arrayBuffers;
    attack.connection.send(answer(Buffer.of(0, 0x7f, 0xff, 0xff, 0xff, ...Array(2000).fill(1))));
    await attack.connection.settle();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 * 1024);
    attack.connection.reset(1);
    await attack.outcome;
  });
});
