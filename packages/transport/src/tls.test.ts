import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { HttpServer, type HttpServerOptions } from './http-server.ts';
import {
  authorityCert,
  clientCert,
  clientKey,
  serverCert,
  serverKey,
} from './testing/certificates.ts';
import type { TlsOptions } from './tls-server.ts';

const tls: TlsOptions = { cert: serverCert, key: serverKey };
const closing = 'Host: a\r\nConnection: close\r\n\r\n';

let server: HttpServer | null = null;

afterEach(async () => {
  await server?.close({ graceMs: 0 });
  server = null;
});

async function listen(options: TlsOptions, more: HttpServerOptions = {}): Promise<number> {
  server = new HttpServer(
    { handle: (request, responder) => responder.send(200, [], request.body) },
    { ...more, tls: options },
  );
  return (await server.listen({ host: '127.0.0.1', port: 0 })).port;
}

/** What comes back until the server closes, or the error that ends the connection. */
function exchange(port: number, send: Buffer, options: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const socket: TLSSocket = connect({
      port,
      host: '127.0.0.1',
      ca: authorityCert,
      ...options,
    });
    socket.once('secureConnect', () => socket.write(send));
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('error', reject);
    socket.on('close', () =>
      resolve(`${socket.alpnProtocol} ${Buffer.concat(pieces).toString('latin1')}`),
    );
  });
}

test('HTTPS is HTTP, small and large', async () => {
  const port = await listen(tls);
  for (const byteLength of [3, 2_000_000]) {
    const head = `POST / HTTP/1.1\r\nContent-Length: ${byteLength}\r\n${closing}`;
    const body = Buffer.alloc(byteLength, 'abc');
    const answer = await exchange(port, Buffer.concat([Buffer.from(head), body]));
    const expected = `HTTP/1.1 200 OK\r\nContent-Length: ${byteLength}\r\nConnection: close\r\n\r\n`;
    expect(answer === `false ${expected}${body}`).toBe(true);
  }
});

test('a client that offers HTTP/2 too gets HTTP/1.1 where that alone is served', async () => {
  const port = await listen(tls, { http2: null });
  const send = Buffer.from(`GET / HTTP/1.1\r\n${closing}`);
  const answer = await exchange(port, send, { ALPNProtocols: ['h2', 'http/1.1'] });
  expect(answer).toMatch(/^http\/1\.1 HTTP\/1\.1 200 OK/);
});

test('mutual TLS takes clients with a certificate of the authority and no others', async () => {
  const port = await listen({ ...tls, ca: authorityCert, mutual: true });
  const send = Buffer.from(`GET / HTTP/1.1\r\n${closing}`);
  const known = await exchange(port, send, { cert: clientCert, key: clientKey });
  expect(known).toContain('200 OK');
  await expect(exchange(port, send)).rejects.toThrow();
  expect(server!.connectionCount).toBe(0);
});

test('a client that speaks no TLS is refused, and the server lives', async () => {
  const port = await listen(tls);
  const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => 'refused');
  expect(answer).toBe('refused');
  expect(await exchange(port, Buffer.from(`GET / HTTP/1.1\r\n${closing}`))).toContain('200 OK');
});

test('a handshake that never ends does not hold up the close', async () => {
  const port = await listen(tls);
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(Buffer.of(0x16, 3, 1));
  // A whole exchange later, the server has accepted the first one, too.
  await exchange(port, Buffer.from(`GET / HTTP/1.1\r\n${closing}`));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await server!.close({ graceMs: 20 });
  await closed;
});

test('new connections get new certificates, old ones live on, and broken ones change nothing', async () => {
  const port = await listen(tls);
  const old = connect({ port, host: '127.0.0.1', ca: authorityCert });
  await new Promise((resolve) => old.once('secureConnect', resolve));
  server!.replaceCertificates({ cert: clientCert, key: clientKey });
  expect(await subjectAt(port)).toBe('client');
  for (const [broken, text] of [
    [{ cert: serverCert, key: clientKey }, /key values mismatch/u],
    [{ cert: 'no certificate', key: serverKey }, /no start line/iu],
    [{ cert: serverCert, key: '' }, /the key is empty/u],
    [{ cert: Buffer.alloc(0), key: serverKey }, /the certificate is empty/u],
    [{ ...tls, ca: 'no certificate' }, /no start line|PEM/iu],
  ] as const) {
    expect(() => server!.replaceCertificates(broken)).toThrow(text);
  }
  expect(await subjectAt(port)).toBe('client');
  old.write(`GET / HTTP/1.1\r\n${closing}`);
  const answer = await new Promise<Buffer>((resolve) => old.once('data', resolve));
  expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK/u);
});

test('a client that was let in is refused with the next connection once its authority is gone', async () => {
  const port = await listen({ ...tls, ca: authorityCert, mutual: true });
  const send = Buffer.from(`GET / HTTP/1.1\r\n${closing}`);
  const client = { cert: clientCert, key: clientKey };
  expect(await exchange(port, send, client)).toContain('200 OK');
  // Signs nobody but itself.
  server!.replaceCertificates({ ...tls, ca: serverCert });
  const refused = await exchange(port, send, client).catch(() => 'reset');
  expect(refused).not.toContain('200 OK');
});

/** Whom the server says that it is. */
function subjectAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: authorityCert }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
