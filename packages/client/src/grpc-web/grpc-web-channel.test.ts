import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GrpcCall } from '../grpc/grpc-channel.ts';
import { GrpcWebChannel } from './grpc-web-channel.ts';

/** What the server answers next, in pieces. */
interface Script {
  status?: number;
  headers?: Record<string, string>;
  pieces: Uint8Array[];
  /** The body does not end. */
  open?: boolean;
}

let server: Server;
let origin: string;
let script: Script;
let asked: { request: IncomingMessage; body: Buffer };
let gone: Promise<unknown>;

const grpcWeb = { 'content-type': 'application/grpc-web+proto' };
const call: GrpcCall = {
  path: '/inference.GRPCInferenceService/ServerLive',
  metadata: { authorization: 'Bearer x' },
  signal: null,
  timeoutMs: null,
  compression: null,
};

beforeAll(async () => {
  server = createServer(async (request, response) => {
    gone = once(response, 'close');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asked = { request, body: Buffer.concat(chunks) };
    response.writeHead(script.status ?? 200, { ...grpcWeb, ...script.headers });
    response.flushHeaders();
    for (const piece of script.pieces) {
      await new Promise<void>((resolve) => response.write(piece, () => resolve()));
    }
    if (script.open !== true) response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  script = { pieces: [] };
});

function frame(flags: number, content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content as string);
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

const done = frame(0x80, 'grpc-status: 0\r\n');

async function ask(more: Partial<GrpcCall> = {}): Promise<string> {
  const channel = new GrpcWebChannel(origin);
  const message = new TextEncoder().encode('question');
  return Buffer.from(await channel.unary({ ...call, ...more }, [message])).toString();
}

describe('a call in a request of fetch', () => {
  it('sends its message with a prefix, and what it has to say in headers', async () => {
    script.pieces = [frame(0, 'answer'), done];
    expect(await ask({ timeoutMs: 5000 })).toBe('answer');
    expect(asked.request).toMatchObject({ method: 'POST', url: call.path });
    expect(asked.request.headers).toMatchObject({
      ...grpcWeb,
      authorization: 'Bearer x',
      'x-grpc-web': '1',
      'grpc-timeout': '5000m',
    });
    expect(asked.body).toEqual(frame(0, 'question'));
  });

  it('takes its answer in any pieces', async () => {
    const bytes = Buffer.concat([frame(0, 'answer'), done]);
    script.pieces = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(await ask()).toBe('answer');
  });

  it('compresses both ways', async () => {
    script.headers = { 'grpc-encoding': 'gzip' };
    script.pieces = [frame(1, gzipSync('answer')), done];
    expect(await ask({ compression: 'gzip' })).toBe('answer');
    expect(asked.request.headers['grpc-encoding']).toBe('gzip');
    expect(asked.body[0]).toBe(1);
    expect(gunzipSync(asked.body.subarray(5)).toString()).toBe('question');
  });

  it.each<[string, Partial<Script>, object]>([
    [
      'a status at the end',
      { pieces: [frame(0x80, 'Grpc-Status:5\r\ngrpc-message:no%20model%20%C3%A9\r\n')] },
      { code: 'NOT_FOUND', message: 'no model é', status: 5 },
    ],
    [
      'a status in the header',
      { headers: { 'grpc-status': '14', 'grpc-message': 'later' } },
      { code: 'UNAVAILABLE', message: 'later', status: 14 },
    ],
    [
      'an end without a status',
      { pieces: [frame(0, 'answer')] },
      { code: 'UNAVAILABLE', message: expect.stringContaining('without a status') },
    ],
    [
      'an end within a message',
      { pieces: [frame(0, 'answer').subarray(0, 8)] },
      { code: 'UNAVAILABLE' },
    ],
    ['success without a message', { pieces: [done] }, { code: 'UNIMPLEMENTED' }],
    [
      'a message compressed in an unknown way',
      { headers: { 'grpc-encoding': 'zstd' }, pieces: [frame(1, 'answer'), done] },
      { code: 'INTERNAL', message: expect.stringContaining('unknown way') },
    ],
    [
      'a message that is not compressed as it says',
      { headers: { 'grpc-encoding': 'gzip' }, pieces: [frame(1, 'answer'), done] },
      { code: 'INTERNAL', message: expect.stringContaining('cannot be read') },
    ],
    [
      'a page that is not there',
      {
        status: 404,
        headers: { 'content-type': 'text/plain' },
        pieces: [Buffer.from('Not Found')],
      },
      { code: 'UNIMPLEMENTED', message: expect.stringContaining('status 404: Not Found') },
    ],
    [
      'another page',
      { headers: { 'content-type': 'text/html' }, pieces: [Buffer.from('<html>')] },
      { code: 'UNKNOWN', message: expect.stringContaining('does not answer with gRPC-Web') },
    ],
  ])('fails with %s', async (_, given, error) => {
    script = { pieces: [], ...given };
    await expect(ask()).rejects.toMatchObject({ name: 'InferenceError', ...error });
  });

  it('fails where nobody listens', async () => {
    const channel = new GrpcWebChannel('http://127.0.0.1:1');
    await expect(channel.unary(call, [])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('ends with its signal, its time and its client', async () => {
    script.open = true;
    const abort = new AbortController();
    const aborted = ask({ signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(ask({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await gone;
    const channel = new GrpcWebChannel(origin);
    const waiting = channel.unary(call, []);
    await channel.close();
    await expect(waiting).rejects.toMatchObject({
      code: 'CANCELLED',
      message: 'the client was closed',
    });
  });
});

describe('a stream in a request of fetch', () => {
  it('sends its messages at their end, and hands on each answer when it comes', async () => {
    script = { pieces: [frame(0, 'one')], open: true };
    const stream = new GrpcWebChannel(origin).open(call);
    await stream.send([Buffer.from('a')]);
    await stream.send([Buffer.from('b')]);
    stream.end();
    const messages = stream.messages[Symbol.asyncIterator]();
    expect(Buffer.from((await messages.next()).value).toString()).toBe('one');
    expect(asked.body).toEqual(Buffer.concat([frame(0, 'a'), frame(0, 'b')]));
    await expect(stream.send([])).rejects.toMatchObject({ code: 'CANCELLED' });
    stream.cancel();
    await expect(messages.next()).rejects.toMatchObject({ code: 'CANCELLED' });
    await gone;
  });

  it('that is given up before its end sends nothing', async () => {
    const stream = new GrpcWebChannel(origin).open(call);
    stream.cancel();
    const messages = stream.messages[Symbol.asyncIterator]();
    await expect(messages.next()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('ends the request when nobody reads on', async () => {
    script = { pieces: [frame(0, 'one')], open: true };
    const stream = new GrpcWebChannel(origin).open(call);
    stream.end();
    for await (const message of stream.messages) {
      expect(message.length).toBe(3);
      break;
    }
    await gone;
  });
});
