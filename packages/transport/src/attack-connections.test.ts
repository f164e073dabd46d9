import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { HttpLimits } from './http-limits.ts';
import { type HttpHandler, HttpServer } from './index.ts';
import { WireClient } from './testing/wire-client.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const ok: HttpHandler = { handle: (_, responder) => responder.send(200, [], 'ok') };

let server: HttpServer | null = null;
const open: { destroy(): unknown }[] = [];

async function listen(handler: HttpHandler, limits: Partial<HttpLimits> = {}): Promise<number> {
  server = new HttpServer(handler, { limits });
  return (await server.listen({ host: '127.0.0.1', port: 0 })).port;
}

async function openClient(port: number): Promise<WireClient> {
  const client = await WireClient.open(port);
  open.push(client);
  return client;
}

afterEach(async () => {
  for (const connection of open.splice(0)) connection.destroy();
  await server?.close({ graceMs: 0 });
  server = null;
});

async function eventually(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 8_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** `count` connections that have each been answered once and now say nothing. */
async function openIdle(port: number, count: number): Promise<void> {
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket: Socket = connect({ port, host: '127.0.0.1' });
      open.push(socket);
      socket.once('error', reject);
      socket.once('connect', () => socket.write(get));
      socket.once('data', () => resolve());
    });
  for (let left = count; left > 0; left -= 250) {
    await Promise.all(Array.from({ length: Math.min(left, 250) }, one));
  }
}

test('3,000 idle connections cost little memory, and the next one is served', async () => {
  const port = await listen(ok, { connectionsMax: 5_000 });
  await openIdle(port, 100);
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const count = 3_000;
  await openIdle(port, count);
  // Both ends are in this process.
  const bytesPerPair = (process.memoryUsage().rss - before) / count;
  expect(bytesPerPair).toBeLessThan(40 * 1024);
  expect(server!.connectionCount).toBe(count + 100);
  const client = await openClient(port);
  await client.send(get);
  expect((await client.response()).status).toBe(200);
}, 30_000);

test('a connection over the limit is told so, and room comes back', async () => {
  const port = await listen(ok, { connectionsMax: 2 });
  const [first, second] = [await openClient(port), await openClient(port)];
  await first.send(get);
  await second.send(get);
  await Promise.all([first.response(), second.response()]);
  const third = await openClient(port);
  expect((await third.response()).status).toBe(503);
  third.destroy();
  first.destroy();
  await eventually(() => server!.connectionCount === 1);
  const fourth = await openClient(port);
  await fourth.send(get);
  expect((await fourth.response()).status).toBe(200);
});

test('a client that goes while its handler runs aborts the request, once', async () => {
  const heard: string[] = [];
  let sendLate: (() => void) | null = null;
  const port = await listen({
    handle: (request, responder) => {
      heard.push('handle');
      request.onAborted(() => heard.push('callback'));
      request.signal.addEventListener('abort', () => heard.push('signal'));
      sendLate = () => responder.send(200, [], 'nobody reads this');
    },
  });
  const client = await openClient(port);
  await client.send(get);
  await eventually(() => heard.includes('handle'));
  client.destroy();
  await eventually(() => heard.length === 3);
  expect(heard.sort()).toEqual(['callback', 'handle', 'signal']);
  sendLate!();
  expect(heard).toHaveLength(3);
});

test('a reset aborts the request, too', async () => {
  let aborted = false;
  let handled = false;
  const port = await listen({
    handle: (request) => {
      handled = true;
      request.onAborted(() => {
        aborted = true;
      });
    },
  });
  const client = await openClient(port);
  await client.send(get);
  await eventually(() => handled);
  client.socket.resetAndDestroy();
  await eventually(() => aborted);
});

test('a client that goes after its response aborts nothing', async () => {
  let aborted = false;
  const port = await listen({
    handle: (request, responder) => {
      request.onAborted(() => {
        aborted = true;
      });
      responder.send(200, [], 'ok');
    },
  });
  const client = await openClient(port);
  await client.send(get);
  await client.response();
  client.destroy();
  await eventually(() => server!.connectionCount === 0);
  expect(aborted).toBe(false);
});

test('a reset in the middle of a large response harms nobody', async () => {
  const port = await listen({
    handle: (_, responder) => responder.send(200, [], Buffer.alloc(64 * 1024 * 1024)),
  });
  const client = await openClient(port);
  await client.send(get);
  await client.until((c) => c.received.length > 0);
  client.socket.resetAndDestroy();
  await eventually(() => server!.connectionCount === 0);
  const next = await openClient(port);
  await next.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
  await next.until((c) => c.received.includes('\r\n\r\n'));
  expect(next.received.toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

test('a reset in the middle of a body runs no handler', async () => {
  let handled = 0;
  const port = await listen({
    handle: (_, responder) => {
      handled++;
      responder.send(200, [], null);
    },
  });
  const client = await openClient(port);
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
  await eventually(() => server!.connectionCount === 1);
  client.socket.resetAndDestroy();
  await eventually(() => server!.connectionCount === 0);
  expect(handled).toBe(0);
});

test('claims of 2 GiB bodies cost nothing before their bytes', async () => {
  const port = await listen(
    { head: () => ({ bodyBytesMax: 2 ** 31 - 1, alignedOffset: 200 }), handle: ok.handle },
    {},
  );
  const warm = await openClient(port);
  await warm.send(get);
  await warm.response();
  const before = process.memoryUsage().rss;
  for (let index = 0; index < 100; index++) {
    const client = await openClient(port);
    await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 ** 31 - 1}\r\n\r\nabc`);
  }
  await eventually(() => server!.connectionCount === 101);
  await warm.send(get);
  expect((await warm.response(2)).status).toBe(200);
  const { rss, external } = process.memoryUsage();
  expect(rss - before).toBeLessThan(64 * 1024 * 1024);
  // What V8 believes to be held drives its garbage collector.
  expect(external).toBeLessThan(1024 * 1024 * 1024);
});

test('a client that pipelines without reading is held back', async () => {
  let handled = 0;
  const port = await listen({
    handle: (_, responder) => {
      handled++;
      responder.send(200, [], Buffer.alloc(100_000));
    },
  });
  const client = await openClient(port);
  client.socket.pause();
  const before = process.memoryUsage().arrayBuffers;
  let sentBytes = 0;
  const block = get.repeat(1_000);
  // Until neither kernel takes more.
  while (client.socket.write(block) || sentBytes < 4 * 1024 * 1024) {
    sentBytes += block.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(handled).toBeLessThan(1_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
});

test('a thousand pipelined requests are answered in order', async () => {
  const port = await listen({
    handle: (request, responder) => {
      // Some at once, some later: order must not depend on it.
      const answer = (): void => responder.send(200, [], request.target);
      if (Number(request.target.slice(1)) % 3 === 0) setImmediate(answer);
      else answer();
    },
  });
  const client = await openClient(port);
  const targets = Array.from({ length: 1_000 }, (_, index) => `/${index}`);
  await client.send(targets.map((t) => `GET ${t} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  await client.response(1_000);
  expect(client.responses.map(({ body }) => body.toString())).toEqual(targets);
});

test('headers of almost 16 KiB are taken, __proto__ and constructor among them', async () => {
  let proto: string | null = null;
  const port = await listen({
    handle: (request, responder) => {
      proto = request.header('__proto__');
      const missing = request.header('tostring') ?? 'none';
      responder.send(200, [], `${request.header('constructor')} ${missing}`);
    },
  });
  const client = await openClient(port);
  const head = 'GET / HTTP/1.1\r\nHost: a\r\n__proto__: p\r\nconstructor: c\r\nx: ';
  await client.send(`${head}${'y'.repeat(16 * 1024 - head.length - 4)}\r\n\r\n`);
  expect((await client.response()).body.toString()).toBe('c none');
  expect(proto).toBe('p');
  await client.send(`${head}${'y'.repeat(16 * 1024 - head.length - 3)}\r\n\r\n`);
  expect((await client.response(2)).status).toBe(431);
});

test('a refused client that goes on sending can still read why', async () => {
  const port = await listen(ok, { bodyBytesMax: 1000 });
  const client = await openClient(port);
  client.socket.pause();
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n');
  // Without lingering, these would draw a reset that takes the answer with it.
  await client.send(Buffer.alloc(4_000_000));
  await client.send(Buffer.alloc(4_000_000));
  client.socket.resume();
  expect((await client.response()).status).toBe(413);
});

test('a refused client that never stops sending is cut off', async () => {
  const port = await listen(ok, { bodyBytesMax: 1000, lingerBytesMax: 1_000_000 });
  const client = await openClient(port);
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
  const block = Buffer.alloc(1_000_000);
  const sending = async (): Promise<void> => {
    while (!client.closed) {
      client.socket.write(block);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await sending();
  await eventually(() => server!.connectionCount === 0);
});
