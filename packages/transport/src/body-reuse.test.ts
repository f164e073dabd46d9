import { afterEach, expect, test } from 'vitest';
import { eventually } from '../../test-kit/src/eventually.ts';
import type { HttpRequest, HttpResponder } from './http-handler.ts';
import { HttpServer } from './http-server.ts';
import { WireClient } from './testing/wire-client.ts';

const large = 700_000;

let server: HttpServer | null = null;
const clients: WireClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server?.close({ graceMs: 0 });
  server = null;
});

async function listen(handle: (request: HttpRequest, responder: HttpResponder) => void): Promise<{
  open(): Promise<WireClient>;
}> {
  server = new HttpServer({ head: () => ({ alignedOffset: 0 }), handle });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    async open(): Promise<WireClient> {
      const client = await WireClient.open(port);
      clients.push(client);
      return client;
    },
  };
}

function post(body: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`),
    body,
  ]);
}

/** No two have a byte in common at any place, up to 250 of them. */
function pattern(seed: number, length: number = large): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) bytes[at] = (seed + at) % 251;
  return bytes;
}

/** Echoes views of the body after `turns` turns of the event loop, and releases it. */
function echo(turns: number, blocks: ArrayBufferLike[]) {
  return (request: HttpRequest, responder: HttpResponder): void => {
    const { body } = request;
    blocks.push(body.buffer);
    const answer = (): void => {
      request.releaseBody?.();
      request.releaseBody?.();
      responder.send(200, [], [body.subarray(0, 1000), body.subarray(1000)]);
    };
    if (turns === 0) answer();
    else setTimeout(answer, turns);
  };
}

test.each([0, 2])('requests at the same time never see bytes of each other (%i ms)', async (ms) => {
  const blocks: ArrayBufferLike[] = [];
  const { open } = await listen(echo(ms, blocks));
  const lengths = [large, large - 100_000, 300_000];
  await Promise.all(
    [0, 1, 2, 3].map(async (number) => {
      const client = await open();
      const bodies = Array.from({ length: 6 }, (_, index) =>
        pattern(number * 50 + index * 7, lengths[(number + index) % lengths.length]),
      );
      // Half of them in a row, without waiting for answers.
      await client.send(Buffer.concat(bodies.slice(0, 3).map(post)));
      for (let index = 0; index < 6; index++) {
        if (index >= 3) await client.send(post(bodies[index] as Buffer));
        const { body } = await client.response(index + 1);
        expect(body.equals(bodies[index] as Buffer)).toBe(true);
      }
    }),
  );
  expect(blocks).toHaveLength(24);
  expect(new Set(blocks).size).toBeLessThan(24);
});

test('nothing is used again that was not released', async () => {
  const blocks: ArrayBufferLike[] = [];
  const { open } = await listen((request, responder) => {
    blocks.push(request.body.buffer);
    responder.send(200, [], null);
  });
  const client = await open();
  for (let count = 1; count <= 4; count++) {
    await client.send(post(pattern(count)));
    await client.response(count);
  }
  expect(new Set(blocks).size).toBe(4);
});

test('the body of a response that its reader does not take stays as it is', async () => {
  // More than the kernel buffers; the other bodies would fit into its memory.
  const slowBody = pattern(1, 12_000_000);
  const blocks: ArrayBufferLike[] = [];
  const { open } = await listen((request, responder) => {
    const { body } = request;
    blocks.push(body.buffer);
    request.releaseBody?.();
    responder.send(200, [], blocks.length === 1 ? body : null);
  });
  const slow = await open();
  slow.socket.pause();
  await slow.send(post(slowBody));
  await eventually(() => blocks.length > 0);
  const quick = await open();
  for (let count = 1; count <= 2; count++) {
    await quick.send(post(Buffer.alloc(7_000_000, 0xff)));
    await quick.response(count);
  }
  expect(blocks).toHaveLength(3);
  expect(blocks[1]).not.toBe(blocks[0]);
  expect(blocks[2]).toBe(blocks[1]);
  slow.socket.resume();
  const { body } = await slow.response();
  expect(body.equals(slowBody)).toBe(true);
}, 20_000);

test('the body of a client that has gone is not used again', async () => {
  const blocks: ArrayBufferLike[] = [];
  const held: (() => void)[] = [];
  const { open } = await listen((request, responder) => {
    blocks.push(request.body.buffer);
    const answer = (): void => {
      request.releaseBody?.();
      responder.send(200, [], request.body);
    };
    if (blocks.length > 1) answer();
    else {
      request.onAborted(answer);
      held.push(answer);
    }
  });
  const gone = await open();
  await gone.send(post(pattern(1)));
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
  gone.destroy();
  const client = await open();
  for (let count = 1; count <= 3; count++) {
    await client.send(post(pattern(count)));
    await client.response(count);
  }
  expect(blocks).toHaveLength(4);
  expect(blocks.slice(1)).not.toContain(blocks[0]);
});
