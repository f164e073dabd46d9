import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { InferenceError } from '../inference-error.ts';
import { tensor } from '../tensor/tensor.ts';
import { HttpClient, type HttpClientOptions } from './http-client.ts';

const closings: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

async function serve(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closings.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** A server that answers each connection's first bytes with these. */
async function answerRaw(text: string | Buffer, end = false): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => (end ? socket.end(text) : socket.write(text)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closings.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function clientOf(url: string, options?: HttpClientOptions): HttpClient {
  const client = new HttpClient(url, options);
  closings.push(() => client.close());
  return client;
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InferenceError);
  return `${(error as InferenceError).code}: ${(error as InferenceError).message}`;
}

describe('HttpClient', () => {
  it('keeps connections, and opens no more than it may', async () => {
    const sockets = new Set();
    const { url } = await serve((request, response) => {
      sockets.add(request.socket);
      setImmediate(() => response.end('{"name":"s","version":"1","extensions":[]}'));
    });
    const client = clientOf(url, { connectionsMax: 3 });
    await Promise.all(Array.from({ length: 20 }, () => client.serverMetadata()));
    expect(sockets.size).toBe(3);
    await client.serverMetadata();
    expect(sockets.size).toBe(3);
  });

  it('opens a new connection after the server closed one', async () => {
    const { url, server } = await serve((_, response) => response.end('{}'));
    const client = clientOf(url, { connectionsMax: 1 });
    await client.serverMetadata();
    server.closeAllConnections();
    // A request may meet the connection before its end has come; the next one does not.
    await expect.poll(() => client.serverMetadata().catch(() => null)).toEqual({});
  });

  it.each([
    ['a length', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}', false],
    [
      'chunks',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;x=y\r\n{\r\n1\r\n}\r\n0\r\nt: u\r\n\r\n',
      false,
    ],
    ['the end', 'HTTP/1.1 200 OK\r\n\r\n{}', true],
    [
      'an interim answer before it',
      'HTTP/1.1 103 Early\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}',
      false,
    ],
  ])('reads an answer framed by %s', async (_, text, end) => {
    expect(await clientOf(await answerRaw(text, end)).serverMetadata()).toEqual({});
  });

  it.each([
    ['HTTP/2.0 200\r\n\r\n', 'this is no HTTP/1 answer'],
    ['HTTP/1.1 200 OK\r\n: x\r\n\r\n', 'has no name'],
    ['HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n', 'is no Content-Length'],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', 'a chunk has no size'],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n', 'longer than it says'],
    ['HTTP/1.1 200 OK\r\nx: '.padEnd(70_000, 'x'), 'header of the answer is too long'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{}', 'closed before the answer was whole', true],
  ])('tells an answer that cannot be read: %j', async (text, reason, end = false) => {
    expect(await failure(clientOf(await answerRaw(text, end)).serverMetadata())).toContain(reason);
  });

  it('tells that nobody answers', async () => {
    const { url, server } = await serve(() => {});
    server.close();
    expect(await failure(clientOf(url).serverMetadata())).toMatch(/^UNAVAILABLE: .*ECONNREFUSED/u);
  });

  it('gives up when the time is over, or the caller wants it, and goes on', async () => {
    const controller = new AbortController();
    const { url } = await serve((request, response) => {
      if (request.url === '/v2') response.end('{}');
      else if (request.url === '/v2/models/abort/config') controller.abort();
    });
    const client = clientOf(url);
    expect(await failure(client.modelConfig('m', undefined, { timeoutMs: 20 }))).toBe(
      'DEADLINE_EXCEEDED: no answer within 20 ms',
    );
    const { signal } = controller;
    expect(await failure(client.modelConfig('abort', undefined, { signal }))).toBe(
      'CANCELLED: the request was cancelled',
    );
    expect(await failure(client.modelConfig('m', '', { signal }))).toContain('CANCELLED');
    expect(await client.serverMetadata()).toEqual({});
  });

  it('fails what is in flight and what comes later when it is closed', async () => {
    const { url } = await serve(() => {});
    const client = new HttpClient(url, { connectionsMax: 1 });
    const both = [failure(client.serverMetadata()), failure(client.serverMetadata())];
    await client.close();
    expect(await Promise.all([...both, failure(client.serverMetadata())])).toEqual(
      Array(3).fill('CANCELLED: the client was closed'),
    );
  });

  it('sends its headers, those of the call, and those of its plugins', async () => {
    const seen: unknown[] = [];
    const { url } = await serve((request, response) => {
      seen.push([request.headers['a'], request.headers['b'], request.headers['authorization']]);
      response.end('{}');
    });
    const plugin = async ({ headers }: { headers: Record<string, string> }) => {
      headers['authorization'] = 'Bearer t';
    };
    const client = clientOf(url, { headers: { A: '1' }, plugins: [plugin] });
    await client.serverMetadata({ headers: { B: '2' } });
    expect(seen).toEqual([['1', '2', 'Bearer t']]);
    await expect(client.serverMetadata({ headers: { x: 'a\r\nb: c' } })).rejects.toThrow(TypeError);
    expect(() => clientOf(url, { headers: { 'a b': 'c' } })).toThrow('no header name');
  });

  it('keeps the pieces of a body that comes in chunks, and hands them on as they come', async () => {
    const event = (n: number) => `data: {"n":${n},"fill":"${'x'.repeat(3000)}"}\n\n`;
    const { url } = await serve((_, response) => {
      let n = 0;
      const next = (): void => {
        if (n === 20) response.end();
        else response.write(event(n++), () => setImmediate(next));
      };
      next();
    });
    const client = clientOf(url);
    const seen: unknown[] = [];
    for await (const { n } of client.generateStream('m', {})) seen.push(n);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
    const { url: whole } = await serve((_, response) => {
      response.write(`{"name":"${'y'.repeat(5000)}`, () =>
        setImmediate(() => response.end(`","version":"${'z'.repeat(5000)}"}`)),
      );
    });
    const { name, version } = await clientOf(whole).serverMetadata();
    expect([name, version]).toEqual(['y'.repeat(5000), 'z'.repeat(5000)]);
  });

  it('cancels a stream that is not read to its end', async () => {
    let closed: () => void;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { url } = await serve((_, response) => {
      response.on('close', () => closed());
      response.write('data: {"n":1}\n\n');
    });
    for await (const { n } of clientOf(url).generateStream('m', {})) {
      expect(n).toBe(1);
      break;
    }
    await gone;
  });

  it('reads a large tensor straight to where it stays', async () => {
    const data = Float32Array.from({ length: 500_000 }, (_, i) => i);
    const head =
      '{"model_name":"m","model_version":"1","outputs":[{"name":"O","datatype":"FP32","shape":[500000],"parameters":{"binary_data_size":2000000}}]}';
    const { url } = await serve((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, {
          'inference-header-content-length': head.length,
          'content-length': head.length + data.byteLength,
        });
        response.write(head);
        response.end(Buffer.from(data.buffer));
      });
    });
    const result = await clientOf(url).infer('m', { I: tensor('FP32', [500_000], data) });
    const output = result.output('O', 'FP32').data;
    expect(
      Buffer.from(output.buffer, output.byteOffset, output.byteLength).equals(
        Buffer.from(data.buffer),
      ),
    ).toBe(true);
    // In the answer's own memory, not in a copy: there is room for the JSON before it.
    expect(output.byteOffset).toBeGreaterThanOrEqual(head.length);
    expect(output.buffer.byteLength - head.length - output.byteLength).toBeLessThan(8);
  });

  it.each(['', 'http://', 'ftp://a', 'a:0', 'a:99999', 'http://u:p@a', 'a b'])(
    'refuses the address %j',
    (url) => {
      expect(() => new HttpClient(url)).toThrow('is no address of a server');
    },
  );
});
