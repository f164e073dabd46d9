import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../../test-kit/src/eventually.ts';
import type { HttpHandler, HttpRequest, HttpResponder } from './http-handler.ts';
import { HttpServer, type HttpServerOptions } from './http-server.ts';
import { WireClient } from './testing/wire-client.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (body: string, more = ''): string =>
  `POST / HTTP/1.1\r\nHost: a\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;

let server: HttpServer | null = null;
const clients: WireClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server?.close({ graceMs: 0 });
  server = null;
});

type Handle = HttpHandler['handle'];

async function connect(
  handler: HttpHandler | Handle,
  options: HttpServerOptions = {},
): Promise<WireClient> {
  server = new HttpServer(typeof handler === 'function' ? { handle: handler } : handler, options);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return open(port);
}

async function open(port: number): Promise<WireClient> {
  const client = await WireClient.open(port);
  clients.push(client);
  return client;
}

/** Everything that comes until the server closes. */
async function wholeAnswer(client: WireClient, send: string): Promise<string> {
  await client.send(send);
  await client.untilClosed();
  return client.received.toString('latin1');
}

const closing = 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

describe('requests', () => {
  test('are handed over with all their parts', async () => {
    let seen: unknown = null;
    const client = await connect((request, responder) => {
      seen = {
        method: request.method,
        target: request.target,
        path: request.path,
        query: request.query,
        version: request.httpVersion,
        headers: [...request.headers()],
        host: request.header('host'),
        missing: request.header('x'),
        first: request.header('a'),
        body: Buffer.from(request.body).toString(),
        from: request.remoteAddress,
      };
      responder.send(200, [], null);
    });
    await client.send(
      'PUT /v2/a%20b?c=1?d HTTP/1.1\r\nHOST: h\r\nA: 1\r\na:  2 \r\nContent-Length: 3\r\n\r\nxyz',
    );
    await client.response();
    expect(seen).toEqual({
      method: 'PUT',
      target: '/v2/a%20b?c=1?d',
      path: '/v2/a%20b',
      query: 'c=1?d',
      version: '1.1',
      headers: [
        ['HOST', 'h'],
        ['A', '1'],
        ['a', '2'],
        ['Content-Length', '3'],
      ],
      host: 'h',
      missing: null,
      first: '1',
      body: 'xyz',
      from: '127.0.0.1',
    });
  });

  test.each([
    ['/', '/', ''],
    ['/a?', '/a', ''],
    ['/a#b?c', '/a', ''],
    ['/a?b#c', '/a', 'b'],
    ['http://h', '/', ''],
    ['http://h?q', '/', 'q'],
    ['HTTPS://h:1/a/b?q=//', '/a/b', 'q=//'],
  ])('target %s', async (target, path, query) => {
    const client = await connect((request, responder) =>
      responder.send(200, [], `${request.path} ${request.query}`),
    );
    await client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect((await client.response()).body.toString()).toBe(`${path} ${query}`);
  });

  test('of one client keep their own targets and headers', async () => {
    const kept: HttpRequest[] = [];
    const client = await connect((request, responder) => {
      kept.push(request);
      responder.send(200, [], null);
    });
    for (const name of ['aa', 'bb', 'aa', 'cc']) {
      // In two segments, so that the header lies in memory of its own.
      await client.send(`GET /${name} HTTP/1.1\r\nHo`);
      await client.send(`st: ${name}\r\n\r\n`);
      await client.response(kept.length + 1);
    }
    expect(kept.map(({ target }) => target)).toEqual(['/aa', '/bb', '/aa', '/cc']);
    expect(kept.map((request) => request.header('host'))).toEqual(['aa', 'bb', 'aa', 'cc']);
  });
});

describe('responses', () => {
  const answer = (handle: Handle, send = closing): Promise<string> =>
    connect(handle).then((client) => wholeAnswer(client, send));

  test.each<[string, Parameters<HttpResponder['send']>[2], string]>([
    ['nothing', null, 'Content-Length: 0\r\nConnection: close\r\n\r\n'],
    ['text', 'ok', 'Content-Length: 2\r\nConnection: close\r\n\r\nok'],
    ['UTF-8', 'é€', 'Content-Length: 5\r\nConnection: close\r\n\r\nÃ©â\x82¬'],
    ['bytes', Uint8Array.of(0, 255), 'Content-Length: 2\r\nConnection: close\r\n\r\n\0ÿ'],
    [
      'parts',
      [Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')],
      'Content-Length: 3\r\nConnection: close\r\n\r\nabc',
    ],
  ])('carry %s', async (_, body, expected) => {
    const text = await answer((_request, responder) => responder.send(200, [['X', 'y']], body));
    expect(text).toBe(`HTTP/1.1 200 OK\r\nX: y\r\n${expected}`);
  });

  test('of many megabytes arrive whole, in order', async () => {
    const parts = Array.from({ length: 40 }, (_, index) => Buffer.alloc(100_000 + index, index));
    parts.push(Buffer.alloc(9_000_000, 77));
    const text = await answer((_, responder) => responder.send(200, [], parts));
    const body = Buffer.from(text, 'latin1').subarray(text.indexOf('\r\n\r\n') + 4);
    expect(body.equals(Buffer.concat(parts))).toBe(true);
  });

  test('to HEAD, and with 204 and 304, have no body', async () => {
    const client = await connect((request, responder) =>
      responder.send(Number(request.path.slice(1)), [], 'body'),
    );
    await client.send('HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\nGET /204 HTTP/1.1\r\nHost: a\r\n\r\n');
    const text = await wholeAnswer(client, closing.replace('/a', '/304'));
    expect(text).toBe(
      'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n' +
        'HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n',
    );
  });

  test('to HTTP/1.0 close, unless it asks to stay', async () => {
    const client = await connect((_, responder) => responder.send(200, [], 'x'));
    await client.send('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n');
    expect((await client.response()).headers.get('connection')).toBe('keep-alive');
    const text = await wholeAnswer(client, 'GET / HTTP/1.0\r\n\r\n');
    expect(text.endsWith('Connection: close\r\n\r\nx')).toBe(true);
  });

  test.each([
    ['a split value', [['X', 'a\r\nY: b']]],
    ['a split name', [['X: a\r\nY', 'b']]],
    ['text beyond Latin-1', [['X', '€']]],
    ['framing', [['content-LENGTH', '1']]],
  ] as const)('with %s are not sent', async (_, headers) => {
    let thrown: unknown = null;
    const text = await answer((_request, responder) => {
      try {
        responder.send(200, headers, null);
      } catch (error) {
        thrown = error;
        responder.send(500, [], 'caught');
      }
    });
    expect(thrown).toBeInstanceOf(Error);
    expect(text).toMatch(/^HTTP\/1\.1 500 .*caught$/s);
  });

  test('are sent once', async () => {
    let thrown: unknown = null;
    await answer((_, responder) => {
      responder.send(200, [], null);
      try {
        responder.send(200, [], null);
      } catch (error) {
        thrown = error;
      }
    });
    expect(thrown).toBeInstanceOf(Error);
  });

  test('of a handler that throws are 500, and the connection lives', async () => {
    const failures: unknown[] = [];
    const client = await connect(
      () => {
        throw new Error('secret');
      },
      { handlerFailed: (error) => failures.push(error) },
    );
    await client.send(get + get);
    const { status, body } = await client.response(2);
    expect([status, body.toString()]).toEqual([500, '{"error":"internal error"}']);
    expect(failures).toHaveLength(2);
  });
});

describe('streams', () => {
  const write = (_: HttpRequest, responder: HttpResponder): void => {
    const stream = responder.stream(200, [['X', 'y']]);
    stream.write('ab');
    stream.write('');
    stream.write(Buffer.alloc(20, 'c'));
    stream.end();
  };

  test('go out in chunks, and the connection stays', async () => {
    const client = await connect(write);
    const head = 'HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n';
    const body = `2\r\nab\r\n14\r\n${'c'.repeat(20)}\r\n0\r\n\r\n`;
    expect(await wholeAnswer(client, get + closing)).toBe(
      `${head}\r\n${body}${head}Connection: close\r\n\r\n${body}`,
    );
  });

  test('to HTTP/1.0 end with the connection', async () => {
    const text = await wholeAnswer(await connect(write), 'GET / HTTP/1.0\r\n\r\n');
    expect(text).toBe(`HTTP/1.1 200 OK\r\nX: y\r\nConnection: close\r\n\r\nab${'c'.repeat(20)}`);
  });

  test('to HEAD have no body', async () => {
    const text = await wholeAnswer(await connect(write), closing.replace('GET', 'HEAD'));
    expect(text).toBe('HTTP/1.1 200 OK\r\nX: y\r\nConnection: close\r\n\r\n');
  });

  test('that are aborted end without their end', async () => {
    const client = await connect((_, responder) => {
      const stream = responder.stream(200, []);
      stream.write('ab');
      setImmediate(() => stream.abort());
    });
    expect(await wholeAnswer(client, get)).not.toContain('0\r\n\r\n');
  });

  test('of a handler that then throws are cut', async () => {
    const client = await connect((_, responder) => {
      responder.stream(200, []).write('ab');
      throw new Error('too late for a status');
    });
    expect(await wholeAnswer(client, get)).not.toContain('0\r\n\r\n');
  });
});

describe('plans', () => {
  test('are asked for before 100 Continue, and may refuse the body', async () => {
    const handled: string[] = [];
    const client = await connect({
      head: () => ({ reject: { status: 501, headers: [['X', 'y']], body: 'no' } }),
      handle: () => void handled.push('handle'),
    });
    const send = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';
    expect(await wholeAnswer(client, send)).toBe(
      'HTTP/1.1 501 Not Implemented\r\nX: y\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno',
    );
    expect(handled).toEqual([]);
  });

  test('that refuse a request without a body keep the connection', async () => {
    const client = await connect({
      head: () => ({ reject: { status: 404, headers: [], body: null } }),
      handle: () => {},
    });
    await client.send(get + get);
    expect((await client.response(2)).status).toBe(404);
    expect(client.closed).toBe(false);
  });

  test('let the body come by 100 Continue', async () => {
    const client = await connect((request, responder) => responder.send(200, [], request.body));
    await client.send(
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n',
    );
    await client.until(({ received }) => received.length > 0);
    expect(client.received.toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    await client.send('ab');
    await client.until(({ received }) => received.toString().endsWith('\r\n\r\nab'));
  });

  test('set the limit of the body, both ways', async () => {
    const handler: HttpHandler = {
      head: (request) => ({ bodyBytesMax: request.path === '/' ? 4 : 10 }),
      handle: (_, responder) => responder.send(200, [], null),
    };
    const client = await connect(handler, { limits: { bodyBytesMax: 5 } });
    await client.send(`${post('1234')}${post('123456').replace('/', '/x')}`);
    expect((await client.response(2)).status).toBe(200);
    await client.send(post('12345'));
    const { status, body } = await client.response(3);
    expect([status, body.toString()]).toEqual([413, '{"error":"request body exceeds 4 bytes"}']);
  });

  test('that throw are answered 500', async () => {
    const client = await connect({
      head: () => {
        throw new Error('secret');
      },
      handle: () => {},
    });
    expect(await wholeAnswer(client, post('x'))).toMatch(/^HTTP\/1\.1 500 /);
  });

  test.each([
    ['small', 100],
    ['medium', 20_000],
    ['large', 3_000_000],
  ])('align a %s body, whether its length is known or not', async (_, byteLength) => {
    const offset = 37;
    // Pretends that buffers lie 24 bytes behind where they do.
    const addressOf = (buffer: Uint8Array): number => buffer.byteOffset + 24;
    const wrong: number[] = [];
    const client = await connect(
      {
        head: () => ({ alignedOffset: offset }),
        handle: (request, responder) => {
          const { body } = request;
          if ((body.byteOffset + offset + 24) % 64 !== 0) wrong.push(body.byteOffset);
          responder.send(200, [], `${body.length} ${body[0]} ${body[byteLength - 1]}`);
        },
      },
      { addressOf },
    );
    const body = `<${'x'.repeat(byteLength - 2)}>`;
    const chunked =
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' +
      `${byteLength.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    await client.send(post(body) + chunked + post(body));
    await client.response(3);
    expect(client.responses.map((response) => response.body.toString())).toEqual(
      Array(3).fill(`${byteLength} 60 62`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('closing', () => {
  test('cuts idle connections, lets a request end, and takes no more', async () => {
    const held: HttpResponder[] = [];
    const busy = await connect((_, responder) => void held.push(responder));
    const port = busy.socket.remotePort!;
    const silent = await open(port);
    await busy.send(get);
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const closed = server!.close({ graceMs: 60_000 });
    await silent.untilClosed();
    await expect(open(port)).rejects.toThrow();
    held[0]!.send(200, [], 'done');
    await busy.untilClosed();
    expect(busy.received.toString()).toContain('Connection: close\r\n\r\ndone');
    busy.destroy();
    await closed;
    expect(server!.connectionCount).toBe(0);
  });

  test('ends connections that do not end in time', async () => {
    let handled = false;
    let aborted = false;
    const client = await connect((request) => {
      handled = true;
      request.onAborted(() => {
        aborted = true;
      });
    });
    await client.send(get);
    await eventually(() => handled);
    await server!.close({ graceMs: 20 });
    expect(aborted).toBe(true);
    expect(server!.connectionCount).toBe(0);
  });

  test('of a server that never listened is no error', async () => {
    await new HttpServer({ handle: () => {} }).close({ graceMs: 0 });
  });

  test('a port that is taken is reported with its code', async () => {
    const client = await connect(() => {});
    const port = client.socket.remotePort!;
    const other = new HttpServer({ handle: () => {} });
    await expect(other.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await other.close({ graceMs: 0 });
  });
});

test('limits are positive whole numbers', () => {
  const make = (): HttpServer =>
    new HttpServer({ handle: () => {} }, { limits: { idleTimeoutMs: 0 } });
  expect(make).toThrow(RangeError);
});

test.each([[[24]], [[1, 23]], [[3, 7, 14]]])(
  'a client that speaks HTTP/2 is hung up on where that is not served, without a reset (%j)',
  async (sizes) => {
    const client = await connect(() => {}, { http2: null });
    let error: Error | null = null;
    client.socket.on('error', (e) => {
      error = e;
    });
    let at = 0;
    for (const size of sizes) {
      await client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.slice(at, at + size));
      at += size;
    }
    await client.untilClosed();
    expect([client.received.length, error]).toEqual([0, null]);
  },
);

test('methods that start like the preface of HTTP/2 are HTTP/1', async () => {
  const client = await connect((request, responder) => responder.send(200, [], request.method));
  await client.send('P');
  await client.send('R');
  await client.send('OPFIND / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect((await client.response()).body.toString()).toBe('PROPFIND');
});
