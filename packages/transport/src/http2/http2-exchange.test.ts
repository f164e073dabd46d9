import { connect } from 'node:http2';
import { afterEach, expect, test } from 'vitest';
import type { HttpHandler, HttpRequest, HttpStream } from '../http-handler.ts';
import { HttpServer, type HttpServerOptions } from '../http-server.ts';
import { serverCert, serverKey } from '../testing/certificates.ts';
import { FrameClient } from '../testing/frame-client.ts';
import { WireClient } from '../testing/wire-client.ts';

let server: HttpServer | null = null;
let client: FrameClient | null = null;

afterEach(async () => {
  client?.destroy();
  client = null;
  await server?.close({ graceMs: 0 });
});

async function start(handler: HttpHandler, options: HttpServerOptions = {}): Promise<number> {
  server = new HttpServer(handler, options);
  return (await server.listen({ host: '127.0.0.1', port: 0 })).port;
}

async function open(handler: HttpHandler, options: HttpServerOptions = {}): Promise<FrameClient> {
  client = await FrameClient.open(await start(handler, options));
  return client;
}

function request(method: string, path: string, more: [string, string][] = []): [string, string][] {
  return [
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'example.org'],
    ...more,
  ];
}

test('a request is handed over with all its parts, and answered', async () => {
  let seen: unknown = null;
  const client = await open({
    handle(request, responder) {
      seen = {
        method: request.method,
        target: request.target,
        path: request.path,
        query: request.query,
        version: request.httpVersion,
        headers: [...request.headers()],
        host: request.header('host'),
        body: Buffer.from(request.body).toString(),
      };
      responder.send(
        201,
        [
          ['Content-Type', 'text/plain'],
          ['X-A', 'b'],
        ],
        'größe',
      );
    },
  });
  client.headers(1, request('POST', '/a/b?c=d', [['x-y', 'z']]));
  client.data(1, 'hello ');
  client.data(1, 'world', true);
  await client.untilEnded(1);
  expect(seen).toEqual({
    method: 'POST',
    target: '/a/b?c=d',
    path: '/a/b',
    query: 'c=d',
    version: '2',
    headers: [
      ['host', 'example.org'],
      ['x-y', 'z'],
    ],
    host: 'example.org',
    body: 'hello world',
  });
  expect(client.field(1, ':status')).toBe('201');
  expect(client.field(1, 'content-length')).toBe('7');
  expect(client.field(1, 'x-a')).toBe('b');
  expect(client.body(1).toString()).toBe('größe');
});

test('HEAD and 204 get no body', async () => {
  const client = await open({
    handle: (request, responder) =>
      responder.send(request.path === '/none' ? 204 : 200, [], 'body'),
  });
  client.headers(1, request('HEAD', '/'), true);
  client.headers(3, request('GET', '/none'), true);
  await client.untilEnded(3);
  expect([client.field(1, 'content-length'), client.body(1).length]).toEqual(['4', 0]);
  expect([client.field(3, 'content-length'), client.body(3).length]).toEqual([null, 0]);
});

test('limits of bodies hold, announced or not', async () => {
  const client = await open(
    { handle: (_request, responder) => responder.send(200, [], null) },
    { limits: { bodyBytesMax: 10 } },
  );
  client.headers(1, request('POST', '/', [['content-length', '11']]));
  client.headers(3, request('POST', '/'));
  client.data(3, '12345678901');
  await client.untilEnded(1);
  await client.untilEnded(3);
  expect([client.field(1, ':status'), client.field(3, ':status')]).toEqual(['413', '413']);
});

test('a plan refuses before the body, and asks for it with 100', async () => {
  const client = await open({
    head: (request) =>
      request.path === '/no' ? { reject: { status: 403, headers: [], body: null } } : null,
    handle: (request, responder) => responder.send(200, [], request.body),
  });
  client.headers(1, request('POST', '/no', [['content-length', '5']]));
  await client.untilEnded(1);
  expect(client.field(1, ':status')).toBe('403');
  client.headers(3, request('POST', '/yes', [['expect', '100-continue']]));
  await client.until(() => client.field(3, ':status') === '100');
  client.data(3, 'body', true);
  await client.untilEnded(3);
  expect([client.field(3, ':status'), client.body(3).toString()]).toEqual(['200', 'body']);
});

test('a handler that throws is answered with 500', async () => {
  const faults: unknown[] = [];
  const client = await open(
    {
      handle() {
        throw new Error('no');
      },
    },
    { handlerFailed: (error) => faults.push(error) },
  );
  client.headers(1, request('GET', '/'), true);
  await client.untilEnded(1);
  expect([client.field(1, ':status'), faults]).toEqual(['500', [new Error('no')]]);
});

test('streams go out piece by piece, and wait for the window', async () => {
  let stream: HttpStream | null = null;
  const client = await open({
    handle(_request, responder) {
      stream = responder.stream(200, [['content-type', 'text/event-stream']]);
      expect(stream.write('one')).toBe(true);
    },
  });
  client.headers(1, request('GET', '/'), true);
  await client.until(() => client.body(1).toString() === 'one');
  const given = stream as HttpStream | null;
  expect(given?.write(Buffer.alloc(100_000))).toBe(false);
  const drained = given?.drained();
  client.windowUpdate(0, 100_000);
  client.windowUpdate(1, 100_000);
  await drained;
  given?.end();
  await client.untilEnded(1);
  expect(client.body(1)).toHaveLength(100_003);
});

test('an aborted stream is reset', async () => {
  const client = await open({
    handle: (_request, responder) => responder.stream(200, []).abort(),
  });
  client.headers(1, request('GET', '/'), true);
  await client.untilEnded(1);
  expect(client.resetCode(1)).toBe(2);
});

test('a reset aborts the request', async () => {
  let seen: HttpRequest | null = null;
  const aborted = new Promise<void>((resolve) => {
    void open({
      handle(request) {
        seen = request;
        request.onAborted(resolve);
        client?.reset(1);
      },
    }).then((client) => client.headers(1, request('GET', '/'), true));
  });
  await aborted;
  const given = seen as HttpRequest | null;
  expect([given?.aborted, given?.signal.aborted]).toEqual([true, true]);
});

test('one port speaks HTTP/1.1 and HTTP/2', async () => {
  const port = await start({
    handle: (request, responder) => responder.send(200, [], request.httpVersion),
  });
  const first = await WireClient.open(port);
  await first.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect((await first.response()).body.toString()).toBe('1.1');
  client = await FrameClient.open(port);
  client.headers(1, request('GET', '/'), true);
  await client.untilEnded(1);
  expect(client.body(1).toString()).toBe('2');
  first.destroy();
});

test("Node's own client is served over TLS with ALPN", async () => {
  const port = await start(
    { handle: (request, responder) => responder.send(200, [], request.body) },
    { tls: { cert: serverCert, key: serverKey } },
  );
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  const body = Buffer.alloc(1_000_000, 'x');
  const received = await new Promise<Buffer>((resolve, reject) => {
    const pieces: Buffer[] = [];
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('end', () => resolve(Buffer.concat(pieces)));
    stream.on('error', reject);
    stream.end(body);
  });
  expect(received.equals(body)).toBe(true);
  session.destroy();
});
