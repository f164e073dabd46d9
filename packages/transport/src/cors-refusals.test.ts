import { afterEach, describe, expect, it } from 'vitest';
import type { HttpHandler } from './http-handler.ts';
import { HttpServer, type HttpServerOptions } from './http-server.ts';
import { FrameClient } from './testing/frame-client.ts';
import { WireClient } from './testing/wire-client.ts';

const page = 'https://page.example';
const head = (rest: string): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nOrigin: ${page}\r\n${rest}\r\n`;

let server: HttpServer | null = null;
const clients: { destroy(): void }[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server?.close({ graceMs: 0 });
  server = null;
});

const handler: HttpHandler = {
  handle() {
    throw new Error('secret');
  },
};

async function listen(options: HttpServerOptions, answering = handler): Promise<number> {
  server = new HttpServer(answering, options);
  return (await server.listen({ host: '127.0.0.1', port: 0 })).port;
}

async function open(port: number): Promise<WireClient> {
  const client = await WireClient.open(port);
  clients.push(client);
  return client;
}

const limits = { bodyBytesMax: 10, headerBytesMax: 300 };
/** Time is short only where it is to run out: on a busy machine it would, before what is to be seen. */
const limitsFor = (status: number) =>
  status === 408 ? { ...limits, headerTimeoutMs: 50, bodyTimeoutMs: 50 } : limits;
const refusals: [string, number, string][] = [
  ['a body that is declared too long', 413, head('Content-Length: 11\r\n')],
  ['a body that turns out too long', 413, head('Transfer-Encoding: chunked\r\n').concat('b\r\n')],
  ['a body that is malformed', 400, head('Transfer-Encoding: chunked\r\n').concat('x\r\n')],
  ['an unknown expectation', 417, head('Expect: more\r\n')],
  ['a header that is malformed', 400, head(' a: b\r\n')],
  ['a header that is too long', 431, head(`a: ${'a'.repeat(300)}\r\n`)],
  ['a header that takes too long', 408, head('').slice(0, -2)],
  ['a body that takes too long', 408, head('Content-Length: 5\r\n').concat('1')],
  ['a handler that throws', 500, head('')],
];

describe('what the transport answers by itself', () => {
  it.each(refusals)('tells pages of other origins: %s', async (_, status, sent) => {
    const cors = { origins: new Set([page]) };
    const client = await open(await listen({ limits: limitsFor(status), cors }));
    await client.send(sent);
    const reply = await client.response();
    expect(reply.status).toBe(status);
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'access-control-allow-origin': page,
      'content-type': 'application/json',
      vary: 'Origin',
    });
    expect(JSON.parse(reply.body.toString())).toEqual({ error: expect.any(String) });
  });

  it.each(refusals)('tells others nothing: %s', async (_, status, sent) => {
    const cors = { origins: new Set(['https://another.example']) };
    const client = await open(await listen({ limits: limitsFor(status), cors }));
    await client.send(sent);
    const { status: answered, headers } = await client.response();
    expect(answered).toBe(status);
    expect([...headers.keys()].join()).not.toMatch(/access-control|vary/u);
  });

  it('tells all pages of a server that has too many connections, where all are let in', async () => {
    const port = await listen({ limits: { connectionsMax: 1 }, cors: { origins: new Set('*') } });
    await open(port);
    const { status, headers } = await (await open(port)).response();
    expect([status, headers.get('access-control-allow-origin')]).toEqual([503, '*']);
  });

  it('tells pages the same over HTTP/2', async () => {
    const client = await FrameClient.open(
      await listen({ limits, cors: { origins: new Set([page]) } }),
    );
    clients.push(client);
    const fields = [':method', ':scheme', ':path', ':authority', 'origin', 'content-length'];
    const values = ['POST', 'http', '/', 'a', page, '11'];
    client.headers(
      1,
      fields.map((name, index) => [name, values[index] ?? '']),
    );
    await client.untilEnded(1);
    expect(client.field(1, ':status')).toBe('413');
    expect(client.field(1, 'access-control-allow-origin')).toBe(page);
  });
});

it('words what the transport answers as it likes, and plainly where it fails to', async () => {
  const wording: HttpHandler = {
    handle() {},
    refusal(request, status, text) {
      if (request?.path === '/fails') throw new Error('secret');
      return { headers: [['X-A', 'b']], body: `${request?.path} ${status} ${text}` };
    },
  };
  const port = await listen({ limits }, wording);
  const ask = async (path: string): Promise<[string | undefined, string]> => {
    const client = await open(port);
    await client.send(head('Content-Length: 11\r\n').replace('/', path));
    const { headers, body } = await client.response();
    return [headers.get('x-a'), body.toString()];
  };
  expect(await ask('/a')).toEqual(['b', '/a 413 request body exceeds 10 bytes']);
  expect(await ask('/fails')).toEqual([undefined, '{"error":"request body exceeds 10 bytes"}']);
});
