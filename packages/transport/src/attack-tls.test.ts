import { connect as connectTls } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import type { HttpLimits } from './http-limits.ts';
import { type HttpHandler, HttpServer } from './index.ts';
import { authorityCert, serverCert, serverKey } from './testing/certificates.ts';
import { WireClient } from './testing/wire-client.ts';

const ok: HttpHandler = { handle: (_, responder) => responder.send(200, [], 'ok') };

let server: HttpServer | null = null;
const open: { destroy(): unknown }[] = [];

async function listen(limits: Partial<HttpLimits>): Promise<number> {
  server = new HttpServer(ok, { tls: { cert: serverCert, key: serverKey }, limits });
  return (await server.listen({ host: '127.0.0.1', port: 0 })).port;
}

afterEach(async () => {
  for (const connection of open.splice(0)) connection.destroy();
  await server?.close({ graceMs: 0 });
  server = null;
});

async function openRaw(port: number): Promise<WireClient> {
  const client = await WireClient.open(port);
  open.push(client);
  return client;
}

/** The first bytes of a ClientHello that does not go on. */
const helloBegun = Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03);

/** Status line of the answer to a GET. */
function get(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: authorityCert });
    open.push(socket);
    socket.once('secureConnect', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.once('data', (bytes: Buffer) =>
      resolve(bytes.toString('latin1').split('\r\n')[0] ?? ''),
    );
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without an answer')));
  });
}

test('a handshake that never begins, and one that never ends, are cut off', async () => {
  const port = await listen({ headerTimeoutMs: 100 });
  const [silent, half] = [await openRaw(port), await openRaw(port)];
  await half.send(helloBegun);
  await Promise.all([silent.untilClosed(), half.untilClosed()]);
  // On a busy machine a good handshake may take longer, too: then once more.
  await expect.poll(() => get(port).catch(String)).toBe('HTTP/1.1 200 OK');
});

test('clients that go during the handshake leave nothing behind', async () => {
  const port = await listen({});
  for (let index = 0; index < 20; index++) {
    const client = await openRaw(port);
    await client.send(helloBegun);
    if (index % 2 === 0) client.destroy();
    else client.socket.resetAndDestroy();
  }
  expect(await get(port)).toBe('HTTP/1.1 200 OK');
  for (const connection of open.splice(0)) connection.destroy();
  // Resolves only when every socket is closed.
  await server!.close({ graceMs: 100 });
  server = null;
});

test('a server that ends does not wait for handshakes', async () => {
  // Longer than a test may take, as the grace below.
  const port = await listen({ headerTimeoutMs: 600_000 });
  const [silent, half, ended] = [await openRaw(port), await openRaw(port), await openRaw(port)];
  await half.send(helloBegun);
  await ended.send(helloBegun);
  ended.socket.end();
  const refusing = connectTls({ port, host: '127.0.0.1' });
  open.push(refusing);
  await new Promise((resolve) => refusing.once('error', resolve));
  expect(await get(port)).toBe('HTTP/1.1 200 OK');
  for (const connection of open.splice(3)) connection.destroy();
  await server!.close({ graceMs: 600_000 });
  server = null;
  await Promise.all([silent.untilClosed(), half.untilClosed()]);
});

test('connections that are in their handshake are limited, too', async () => {
  const port = await listen({ connectionsMax: 2 });
  const clients = await Promise.all(Array.from({ length: 200 }, () => openRaw(port)));
  const openCount = (): number => clients.filter(({ closed }) => !closed).length;
  while (openCount() > 100) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(openCount()).toBeLessThanOrEqual(100);
});
