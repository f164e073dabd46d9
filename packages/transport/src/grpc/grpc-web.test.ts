import { afterEach, expect, test } from 'vitest';
import { HttpServer } from '../http-server.ts';
import { FrameClient, grpcMessage } from '../testing/frame-client.ts';
import { WireClient } from '../testing/wire-client.ts';
import type { GrpcHandler } from './grpc-handler.ts';

const handler: GrpcHandler = {
  find(path) {
    if (path === '/a.B/Echo') {
      return {
        kind: 'unary',
        handle(call, message, responder) {
          responder.start([['x-initial', call.metadata('x-sent') ?? '']]);
          responder.send([message], [['x-trailing', 'yes']]);
        },
      };
    }
    if (path === '/a.B/Twice') {
      return {
        kind: 'stream',
        open: (_call, stream) => ({
          onMessage(message) {
            stream.write([message]);
            stream.write([message]);
          },
          onHalfClose: () => stream.fail(5, 'not found: 1%'),
        }),
      };
    }
    return null;
  },
};

let server: HttpServer | null = null;
afterEach(async () => server?.close({ graceMs: 0 }));

async function start(): Promise<number> {
  server = new HttpServer(
    { handle: (_request, responder) => responder.send(200, [], 'plain') },
    { grpc: { handler } },
  );
  return (await server.listen({ host: '127.0.0.1', port: 0 })).port;
}

function post(path: string, type: string, body: Buffer, more = ''): Buffer {
  const head =
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n${more}` +
    `Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** Trailers as the last part of a body. */
function trailers(text: string): Buffer {
  const part = grpcMessage(text);
  part[0] = 0x80;
  return part;
}

test('a unary call over HTTP/1.1', async () => {
  const client = await WireClient.open(await start());
  await client.send(
    post('/a.B/Echo', 'application/grpc-web+proto', grpcMessage('hi'), 'X-Sent: v\r\n'),
  );
  const { status, headers, body } = await client.response();
  expect([status, headers.get('content-type'), headers.get('x-initial')]).toEqual([
    200,
    'application/grpc-web+proto',
    'v',
  ]);
  expect(body).toEqual(
    Buffer.concat([grpcMessage('hi'), trailers('grpc-status: 0\r\nx-trailing: yes\r\n')]),
  );
  client.destroy();
});

test('text, sent and answered in base64', async () => {
  const client = await WireClient.open(await start());
  const whole = grpcMessage('hello');
  const pieces = [whole.subarray(0, 4), whole.subarray(4)].map((part) => part.toString('base64'));
  await client.send(post('/a.B/Echo', 'application/grpc-web-text', Buffer.from(pieces.join(''))));
  const { headers, body } = await client.response();
  expect(headers.get('content-type')).toBe('application/grpc-web-text+proto');
  expect(Buffer.from(body.toString(), 'base64').subarray(0, 10)).toEqual(grpcMessage('hello'));
  client.destroy();
});

test('a stream with a status at its end, over HTTP/2', async () => {
  const client = await FrameClient.open(await start());
  client.headers(1, [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/a.B/Twice'],
    ['content-type', 'application/grpc-web'],
  ]);
  client.data(1, grpcMessage('x'), true);
  await client.untilEnded(1);
  expect(client.body(1)).toEqual(
    Buffer.concat([
      grpcMessage('x'),
      grpcMessage('x'),
      trailers('grpc-status: 5\r\ngrpc-message: not found: 1%25\r\n'),
    ]),
  );
  client.destroy();
});

test('an unknown method, a wrong method and broken base64', async () => {
  const client = await WireClient.open(await start());
  await client.send(post('/a.B/None', 'application/grpc-web', Buffer.alloc(0)));
  expect((await client.response(1)).body.toString('latin1', 5)).toContain('grpc-status: 12');
  await client.send(post('/a.B/Echo', 'application/grpc-web-text', Buffer.from('!!!!')));
  expect((await client.response(2)).status).toBe(400);
  await client.send(
    'GET /a.B/Echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web\r\n\r\n',
  );
  expect((await client.response(3)).status).toBe(405);
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect((await client.response(4)).body.toString()).toBe('plain');
  client.destroy();
});
