import { afterEach, describe, expect, test } from 'vitest';
import { HttpServer } from '../http-server.ts';
import { FrameClient, grpcFields, grpcMessage, settings } from '../testing/frame-client.ts';
import type { GrpcMethod } from './grpc-handler.ts';

const large = 700_000;

let server: HttpServer | null = null;
const clients: FrameClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server?.close({ graceMs: 0 });
  server = null;
});

async function listen(method: GrpcMethod): Promise<() => Promise<FrameClient>> {
  server = new HttpServer(
    { handle: (_request, responder) => responder.send(404, [], null) },
    { grpc: { handler: { find: () => method } } },
  );
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return async () => {
    const client = await FrameClient.open(port, settings([4, 2 ** 31 - 1]));
    client.windowUpdate(0, 2 ** 30);
    clients.push(client);
    return client;
  };
}

/** No two have a byte in common at any place, up to 250 of them. */
function pattern(seed: number, length: number = large): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) bytes[at] = (seed + at) % 251;
  return bytes;
}

/** Echoes views of the message after `turns` milliseconds, and releases it. */
function echo(turns: number, memories: ArrayBufferLike[]): GrpcMethod {
  return {
    kind: 'unary',
    alignedOffset: () => 0,
    handle(call, message, responder) {
      memories.push(message.buffer);
      const answer = (): void => {
        call.releaseMessage?.();
        call.releaseMessage?.();
        responder.send([message.subarray(0, 1000), message.subarray(1000)]);
      };
      if (turns === 0) answer();
      else setTimeout(answer, turns);
    },
  };
}

function send(client: FrameClient, streamId: number, message: Buffer, frameBytes: number): void {
  client.headers(streamId, grpcFields('/a.B/C'));
  const body = grpcMessage(message);
  for (let at = 0; at < body.length; at += frameBytes) {
    client.data(streamId, body.subarray(at, at + frameBytes), at + frameBytes >= body.length);
  }
}

async function answerOf(client: FrameClient, streamId: number): Promise<Buffer> {
  await client.untilEnded(streamId);
  expect(client.field(streamId, 'grpc-status')).toBe('0');
  return client.body(streamId).subarray(5);
}

describe('the memory of messages', () => {
  test.each([
    [0, 16_384],
    [0, 400_000],
    [2, 16_384],
    [2, 1_048_576],
  ])(
    'is used again, and no call sees the bytes of another (%i ms, frames of %i)',
    async (ms, frameBytes) => {
      const memories: ArrayBufferLike[] = [];
      const open = await listen(echo(ms, memories));
      const lengths = [large, large - 100_000, 300_000];
      await Promise.all(
        [0, 1, 2].map(async (number) => {
          const client = await open();
          // What makes the server take larger frames.
          send(client, 1, pattern(3, 300_000), 16_384);
          await answerOf(client, 1);
          const messages = Array.from({ length: 6 }, (_, index) =>
            pattern(number * 50 + index * 7, lengths[(number + index) % lengths.length]),
          );
          // Half of them at the same time, on streams of one connection.
          for (let index = 0; index < 3; index++) {
            send(client, index * 2 + 3, messages[index] as Buffer, frameBytes);
          }
          for (let index = 0; index < 6; index++) {
            const streamId = index * 2 + 3;
            if (index >= 3) send(client, streamId, messages[index] as Buffer, frameBytes);
            const answer = await answerOf(client, streamId);
            expect(answer.equals(messages[index] as Buffer)).toBe(true);
          }
        }),
      );
      expect(memories).toHaveLength(21);
      expect(new Set(memories).size).toBeLessThan(21);
    },
  );

  test('is not used again while the client has not read the answer', async () => {
    const memories: ArrayBufferLike[] = [];
    const open = await listen(echo(0, memories));
    const [slow, other] = [await open(), await open()];
    const kept = pattern(1, 4_000_000);
    send(slow, 1, kept, 16_384);
    // The answer has begun, and most of it must wait.
    await slow.until((client) => client.of(1).length > 0);
    slow.socket.pause();
    for (const seed of [2, 3, 4]) {
      const message = pattern(seed, 4_000_000);
      send(other, seed * 2 - 3, message, 16_384);
      expect((await answerOf(other, seed * 2 - 3)).equals(message)).toBe(true);
    }
    slow.socket.resume();
    expect((await answerOf(slow, 1)).equals(kept)).toBe(true);
  });

  test("is the collector's when the call was given up", async () => {
    const memories: ArrayBufferLike[] = [];
    let waiting = (): void => {};
    const open = await listen({
      kind: 'unary',
      handle(call, message, responder) {
        memories.push(message.buffer);
        waiting = () => {
          call.releaseMessage?.();
          responder.send([message]);
        };
        if (memories.length > 1) waiting();
      },
    });
    const client = await open();
    send(client, 1, pattern(1), 16_384);
    await client.settle();
    client.reset(1);
    await client.settle();
    waiting();
    send(client, 3, pattern(2), 16_384);
    expect((await answerOf(client, 3)).equals(pattern(2))).toBe(true);
    expect(memories[1]).not.toBe(memories[0]);
  });
});

test('a peer that was told of no larger frames may not send them', async () => {
  const open = await listen(echo(0, []));
  const client = await open();
  send(client, 1, pattern(1), 400_000);
  await client.untilClosed();
  expect(client.goawayCode).toBe(6);
});

test('a message behind one that is not handed over yet comes whole', async () => {
  const received: Buffer[] = [];
  let resume = (): void => {};
  const open = await listen({
    kind: 'stream',
    open: (_call, stream) => ({
      onMessage(message) {
        received.push(Buffer.from(message));
        stream.pause();
        resume = () => stream.resume();
      },
      onHalfClose: () => stream.end(),
    }),
  });
  const client = await open();
  const messages = [1, 2, 3].map((seed) => pattern(seed));
  client.headers(1, grpcFields('/a.B/C'));
  const body = Buffer.concat(messages.map((message) => grpcMessage(message)));
  for (let at = 0; at < body.length; at += 16_384) {
    client.data(1, body.subarray(at, at + 16_384), at + 16_384 >= body.length);
  }
  for (let told = 0; told < 4; told++) {
    await client.settle();
    resume();
  }
  await client.untilEnded(1);
  expect(received.map((message, index) => message.equals(messages[index] as Buffer))).toEqual([
    true,
    true,
    true,
  ]);
});
