import { afterEach, expect, test } from 'vitest';
import type { HttpLimits } from './http-limits.ts';
import { HttpServer } from './index.ts';
import { WireClient } from './testing/wire-client.ts';

const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const tooManyChunks =
  'Chunked request body exceeds maximum of 65536 non-empty chunks. Send fewer or larger HTTP chunks.';

let server: HttpServer | null = null;

/** Answers with the length of the body. */
async function listen(limits: Partial<HttpLimits> = {}): Promise<number> {
  server = new HttpServer(
    {
      handle: (request, responder) =>
        responder.send(200, [], `${request.method} ${request.body.length}`),
    },
    { limits },
  );
  return (await server.listen({ host: '127.0.0.1', port: 0 })).port;
}

afterEach(async () => {
  await server?.close({ graceMs: 0 });
  server = null;
});

/** `count` chunks of one byte each, as few writes as possible. */
async function sendChunks(client: WireClient, count: number): Promise<void> {
  const perWrite = 10_000;
  for (let left = count; left > 0 && !client.closed; left -= perWrite) {
    await Promise.race([
      client.send('1\r\nx\r\n'.repeat(Math.min(left, perWrite))),
      client.untilClosed(),
    ]);
  }
}

test('exactly 65,536 non-empty chunks are taken', async () => {
  const client = await WireClient.open(await listen());
  await client.send(head);
  await sendChunks(client, 65_536);
  await client.send('0\r\n\r\n');
  expect((await client.response()).body.toString()).toBe('POST 65536');
  // The connection goes on.
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect((await client.response(2)).status).toBe(200);
  client.destroy();
});

test('65,537 non-empty chunks are refused in Triton’s words, and the connection closes', async () => {
  const client = await WireClient.open(await listen());
  await client.send(head);
  await sendChunks(client, 65_537);
  const response = await client.response();
  expect(response.status).toBe(400);
  expect(JSON.parse(response.body.toString())).toEqual({ error: tooManyChunks });
  expect(response.headers.get('connection')).toBe('close');
  client.socket.end();
  await client.untilClosed();
});

test('a million 1-byte chunks cost the server neither memory nor its life', async () => {
  const port = await listen();
  const client = await WireClient.open(port);
  const before = process.memoryUsage();
  await client.send(head);
  await sendChunks(client, 1_000_000);
  expect((await client.response()).status).toBe(400);
  const after = process.memoryUsage();
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(32 * 1024 * 1024);
  client.destroy();
  const next = await WireClient.open(port);
  await next.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect((await next.response()).status).toBe(200);
  next.destroy();
});

test('a chunk that claims more than the body may have is refused before its bytes', async () => {
  const client = await WireClient.open(await listen({ bodyBytesMax: 1000 }));
  await client.send(`${head}3e8\r\n${'x'.repeat(1000)}\r\n1\r\n`);
  expect((await client.response()).status).toBe(413);
  client.destroy();
});

test('chunk extensions count all together', async () => {
  const client = await WireClient.open(await listen({ chunkExtensionBytesMax: 100 }));
  await client.send(`${head}${'1;a=bbbbbbbbbb\r\nx\r\n'.repeat(9)}`);
  await client.send('1;a=bbbbbbbbbb\r\nx\r\n');
  expect((await client.response()).status).toBe(413);
  client.destroy();
});

test('a body sent one byte a segment arrives whole', async () => {
  const client = await WireClient.open(await listen());
  for (const byte of `${head}5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n`) {
    await client.send(byte);
  }
  expect((await client.response()).body.toString()).toBe('POST 6');
  client.destroy();
});
