import { afterEach, beforeEach, expect, test } from 'vitest';
import { GrpcStatus } from './grpc/grpc-status.ts';
import { HttpServer } from './http-server.ts';

let server: HttpServer;
let url: string;
const seen: string[] = [];

beforeEach(async () => {
  seen.length = 0;
  server = new HttpServer(
    {
      handle(request, responder) {
        if (request.path === '/throw') throw new Error('a defect');
        if (request.path === '/stream') responder.stream(201, []).end();
        else responder.send(204, [], null);
      },
    },
    {
      observer: {
        http: (status) => seen.push(`http ${status}`),
        grpc: (status) => seen.push(`grpc ${status}`),
      },
      grpc: {
        handler: {
          find: () => ({
            kind: 'unary',
            handle(_call, message, responder) {
              if (message.length === 0) responder.send([]);
              else responder.fail(GrpcStatus.notFound, 'nothing there');
            },
          }),
        },
      },
      limits: { bodyBytesMax: 10 },
    },
  );
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${port}`;
});

afterEach(() => server.close({ graceMs: 0 }));

test('tells every status once, of answers and of refusals', async () => {
  for (const path of ['/', '/stream', '/throw']) await (await fetch(`${url}${path}`)).arrayBuffer();
  await (await fetch(url, { method: 'POST', body: 'x'.repeat(11) })).arrayBuffer();
  expect(seen).toEqual(['http 204', 'http 201', 'http 500', 'http 413']);
});

test('tells the status of a gRPC call beside that of the HTTP response that carries it', async () => {
  for (const body of [Buffer.from([0, 0, 0, 0, 0]), Buffer.from([0, 0, 0, 0, 1, 7])]) {
    const headers = { 'content-type': 'application/grpc-web+proto' };
    await (await fetch(`${url}/a.B/C`, { method: 'POST', headers, body })).arrayBuffer();
  }
  expect(seen).toEqual(['grpc 0', 'http 200', 'grpc 5', 'http 200']);
});
