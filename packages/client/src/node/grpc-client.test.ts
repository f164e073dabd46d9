import { gzipSync } from 'node:zlib';
import { encodeMessage } from '@nereid/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { FrameType } from '../../../transport/src/http2/frame.ts';
import {
  type FrameClient,
  frame,
  grpcAnswerFields,
  grpcMessage,
  settings,
  uint32,
} from '../../../transport/src/testing/frame-client.ts';
import { FrameServer } from '../../../transport/src/testing/frame-server.ts';
import { InferenceError } from '../inference-error.ts';
import { tensor } from '../tensor/tensor.ts';
import { GrpcClient, type GrpcClientOptions } from './grpc-client.ts';

const closings: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

async function serve(first?: Uint8Array | null): Promise<FrameServer> {
  const server = await FrameServer.start(first);
  closings.push(() => server.close());
  return server;
}

function clientOf(server: FrameServer, options?: GrpcClientOptions): GrpcClient {
  const client = new GrpcClient(`127.0.0.1:${server.port}`, options);
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

const live = encodeMessage('inference.ServerLiveResponse', { live: true });

/** Ids of the calls whose header has come. */
function calls(connection: FrameClient): number[] {
  return connection.frames
    .filter(({ type }) => type === FrameType.headers)
    .map(({ streamId }) => streamId);
}

async function untilCalls(connection: FrameClient, count: number): Promise<void> {
  await connection.until(() => calls(connection).length >= count);
}

/** Answers every call that has come on a connection, once. */
function answerAll(connection: FrameClient, answered: Set<number> = new Set()): Set<number> {
  for (const id of calls(connection)) if (!answered.has(id)) connection.answer(id, live);
  return new Set(calls(connection));
}

describe('GrpcClient', () => {
  it('says once what all calls have in common', async () => {
    const server = await serve();
    const client = clientOf(server, { headers: { 'x-tenant': 'blue' } });
    for (const id of [1, 3, 5]) {
      const asked = client.isServerLive({ headers: { 'x-trace': `trace ${id}` } });
      const connection = await server.connection();
      await connection.untilEnded(id);
      connection.answer(id, live);
      expect(await asked).toBe(true);
      expect(connection.field(id, ':path')).toBe('/inference.GRPCInferenceService/ServerLive');
      expect(connection.field(id, 'x-tenant')).toBe('blue');
      expect(connection.field(id, 'x-trace')).toBe(`trace ${id}`);
      expect(connection.field(id, 'te')).toBe('trailers');
    }
    const [first, , third] = (await server.connection()).frames
      .filter(({ type }) => type === FrameType.headers)
      .map(({ payload }) => payload.length);
    expect(first).toBeGreaterThan(100);
    // One byte a field, but for the one that is new.
    expect(third).toBeLessThan(20);
  });

  it('sends the calls of one turn in one write', async () => {
    const server = await serve();
    const client = clientOf(server);
    const warm = client.isServerLive();
    const connection = await server.connection();
    await connection.untilEnded(1);
    const answered = answerAll(connection);
    await warm;
    await connection.settle();
    const before = connection.chunkCount;
    const all = Promise.all(Array.from({ length: 20 }, () => client.isServerLive()));
    await untilCalls(connection, 21);
    expect(connection.chunkCount).toBe(before + 1);
    answerAll(connection, answered);
    expect(await all).toEqual(Array(20).fill(true));
  });

  it('begins no more calls than the server takes; the others wait in order', async () => {
    const server = await serve(settings([3, 2]));
    const client = clientOf(server);
    // Before SETTINGS have come a client knows no number.
    const warm = client.isServerLive();
    const connection = await server.connection();
    await connection.untilEnded(1);
    let answered = answerAll(connection);
    await warm;
    const all = Array.from({ length: 5 }, () => client.isServerLive());
    await untilCalls(connection, 3);
    await connection.settle();
    expect(calls(connection)).toEqual([1, 3, 5]);
    answered = answerAll(connection, answered);
    await untilCalls(connection, 5);
    await connection.settle();
    expect(calls(connection)).toEqual([1, 3, 5, 7, 9]);
    answered = answerAll(connection, answered);
    await untilCalls(connection, 6);
    answerAll(connection, answered);
    expect(await Promise.all(all)).toEqual(Array(5).fill(true));
    expect(server.connections).toHaveLength(1);
  });

  it('gives up a call that waits', async () => {
    const server = await serve(settings([3, 1]));
    const client = clientOf(server);
    const first = client.isServerLive();
    const connection = await server.connection();
    await connection.settle();
    const controller = new AbortController();
    const second = failure(client.isServerLive({ signal: controller.signal }));
    controller.abort();
    expect(await second).toBe('CANCELLED: the request was cancelled');
    answerAll(connection);
    expect(await first).toBe(true);
    expect(calls(connection)).toEqual([1]);
  });

  it('lets calls end after GOAWAY, and sends those again that the server has not seen', async () => {
    const server = await serve();
    const client = clientOf(server);
    const both = [client.isServerLive(), client.isServerLive()];
    const connection = await server.connection();
    await untilCalls(connection, 2);
    connection.send(frame(FrameType.goaway, 0, 0, Buffer.concat([uint32(1), uint32(0)])));
    const next = await server.connection(1);
    await untilCalls(next, 1);
    answerAll(next);
    connection.answer(1, live);
    expect(await Promise.all(both)).toEqual([true, true]);
    await connection.untilClosed();
    const third = client.isServerLive();
    await untilCalls(next, 2);
    next.answer(3, live);
    expect(await third).toBe(true);
  });

  it('sends a refused call again, but not for ever', async () => {
    const server = await serve();
    const asked = failure(clientOf(server).isServerLive());
    const connection = await server.connection();
    for (const id of [1, 3, 5, 7, 9]) {
      await connection.untilEnded(id);
      connection.reset(id, 7);
    }
    expect(await asked).toMatch(/^UNAVAILABLE: .*the server reset the call \(REFUSED_STREAM\)$/u);
    expect(calls(connection)).toEqual([1, 3, 5, 7, 9]);
  });

  it('connects again after the connection is lost', async () => {
    const server = await serve();
    const client = clientOf(server);
    const lost = failure(client.isServerLive());
    const connection = await server.connection();
    await untilCalls(connection, 1);
    connection.destroy();
    expect(await lost).toMatch(/^UNAVAILABLE: 127\.0\.0\.1:\d+: /u);
    const again = client.isServerLive();
    const next = await server.connection(1);
    await untilCalls(next, 1);
    answerAll(next);
    expect(await again).toBe(true);
  });

  it('tells that nobody listens', async () => {
    const server = await FrameServer.start();
    server.close();
    expect(await failure(clientOf(server).isServerLive())).toMatch(/^UNAVAILABLE: .*ECONNREFUSED/u);
  });

  it('sends no more than the windows hold, in frames that the server takes', async () => {
    const server = await serve(settings([4, 100_000]));
    const client = clientOf(server);
    const data = new Uint8Array(200_000).fill(7);
    const asked = client.loadModel('m', { config: {}, files: { '1/model.onnx': data } });
    const connection = await server.connection();
    await connection.until(() => connection.body(1).length >= 65_535);
    await connection.settle();
    // The connection's window is the smaller one.
    expect(connection.body(1).length).toBe(65_535);
    connection.windowUpdate(0, 1_000_000);
    await connection.until(() => connection.body(1).length >= 100_000);
    await connection.settle();
    expect(connection.body(1).length).toBe(100_000);
    connection.send(settings([4, 150_000], [5, 20_000]));
    await connection.until(() => connection.body(1).length >= 150_000);
    await connection.settle();
    expect(connection.body(1).length).toBe(150_000);
    connection.windowUpdate(1, 1_000_000);
    await connection.untilEnded(1);
    const lengths = connection
      .of(1)
      .flatMap((one) => (one.type === FrameType.data ? [one.payload.length] : []));
    expect(Math.max(...lengths)).toBe(20_000);
    connection.answer(1, '');
    await asked;
  });

  it('stops what the server does not want to read', async () => {
    const server = await serve();
    const client = clientOf(server);
    const config = 'x'.repeat(200_000);
    const asked = failure(client.loadModel('m', { config }));
    const connection = await server.connection();
    await connection.until(() => connection.body(1).length === 65_535);
    connection.headers(
      1,
      [...grpcAnswerFields, ['grpc-status', '3'], ['grpc-message', 'no']],
      true,
    );
    expect(await asked).toBe('INVALID_ARGUMENT: no');
    await connection.until(() => connection.resetCode(1) !== null);
    expect(connection.resetCode(1)).toBe(8);
  });

  it('tells the server of deadlines and of calls that are given up', async () => {
    const server = await serve();
    const client = clientOf(server);
    const late = failure(client.isServerLive({ timeoutMs: 30 }));
    const connection = await server.connection();
    await connection.until(() => connection.resetCode(1) !== null);
    expect(connection.field(1, 'grpc-timeout')).toBe('30m');
    expect(await late).toBe('DEADLINE_EXCEEDED: no answer within 30 ms');
    const controller = new AbortController();
    const aborted = failure(client.isServerLive({ signal: controller.signal }));
    await untilCalls(connection, 2);
    controller.abort();
    await connection.until(() => connection.resetCode(3) !== null);
    expect(await aborted).toBe('CANCELLED: the request was cancelled');
    // What comes late hurts nobody.
    connection.answer(1, live);
    const next = client.isServerLive();
    await untilCalls(connection, 3);
    connection.answer(5, live);
    expect(await next).toBe(true);
  });

  it('fails what is in flight and what comes later when it is closed', async () => {
    const server = await serve();
    const client = clientOf(server);
    const asked = failure(client.isServerLive());
    await untilCalls(await server.connection(), 1);
    await client.close();
    await client.close();
    expect([await asked, await failure(client.isServerLive())]).toEqual(
      Array(2).fill('CANCELLED: the client was closed'),
    );
  });

  it('closes a connection that nobody has used for long', async () => {
    const server = await serve();
    const client = clientOf(server, { idleTimeoutMs: 20 });
    const asked = client.isServerLive();
    const connection = await server.connection();
    await untilCalls(connection, 1);
    answerAll(connection);
    await asked;
    await connection.untilClosed();
    expect(connection.goawayCode).toBe(0);
    const again = client.isServerLive();
    const next = await server.connection(1);
    await untilCalls(next, 1);
    answerAll(next);
    expect(await again).toBe(true);
  });

  it('asks a quiet server whether it is there, and answers when it is asked', async () => {
    const server = await serve();
    const client = clientOf(server, { keepalive: { timeMs: 20, timeoutMs: 20 } });
    const asked = failure(client.isServerLive());
    const connection = await server.connection();
    await connection.until(() => connection.frames.some(({ type }) => type === FrameType.ping));
    expect(await asked).toMatch(/^UNAVAILABLE: .*did not answer a PING within 20 ms$/u);
    const again = client.isServerLive();
    const next = await server.connection(1);
    await next.settle();
    answerAll(next);
    expect(await again).toBe(true);
  });

  it('gets messages that are compressed, and sends them', async () => {
    const server = await serve();
    const client = clientOf(server);
    const asked = client.infer(
      'm',
      { I: tensor('BYTES', [1], ['x'.repeat(10_000)]) },
      { requestCompression: 'gzip' },
    );
    const connection = await server.connection();
    await connection.untilEnded(1);
    expect(connection.field(1, 'grpc-encoding')).toBe('gzip');
    expect(connection.body(1)[0]).toBe(1);
    expect(connection.body(1).length).toBeLessThan(1000);
    connection.headers(1, [...grpcAnswerFields, ['grpc-encoding', 'gzip']]);
    const answer = encodeMessage('inference.ModelInferResponse', { id: 'x'.repeat(100_000) });
    connection.data(1, grpcMessage(gzipSync(answer), 1));
    connection.headers(1, [['grpc-status', '0']], true);
    expect((await asked).id.length).toBe(100_000);
  });

  it('reads a large tensor into memory of its size, where it stays', async () => {
    const sent = Float32Array.from({ length: 1_228_800 }, (_, i) => i);
    const answer = encodeMessage('inference.ModelInferResponse', {
      outputs: [{ name: 'O', datatype: 'FP32', shape: [1, 3, 640, 640] }],
      raw_output_contents: [new Uint8Array(sent.buffer)],
    });
    const message = grpcMessage(answer);
    for (const frameBytes of [16_384, 1_000_000, message.length]) {
      const server = await serve();
      const asked = clientOf(server).infer('m', {});
      const connection = await server.connection();
      await untilCalls(connection, 1);
      connection.headers(1, grpcAnswerFields);
      for (let at = 0; at < message.length; at += frameBytes) {
        connection.data(1, message.subarray(at, at + frameBytes));
      }
      connection.headers(1, [['grpc-status', '0']], true);
      const { data } = (await asked).output('O', 'FP32');
      expect(
        Buffer.from(data.buffer, data.byteOffset, data.byteLength).equals(Buffer.from(sent.buffer)),
      ).toBe(true);
      expect(data.buffer.byteLength - answer.length).toBeLessThan(8);
      // It lies behind the names and shapes of the answer.
      expect(data.byteOffset).toBeGreaterThan(0);
    }
  });

  it('lets the server wait while nobody reads a stream', async () => {
    const server = await serve();
    const stream = await clientOf(server).openStream();
    const connection = await server.connection();
    await untilCalls(connection, 1);
    connection.headers(1, grpcAnswerFields);
    const inner = { infer_response: { model_name: 'x'.repeat(100_000) } };
    const message = grpcMessage(encodeMessage('inference.ModelStreamInferResponse', inner));
    // Less than the window of 16 MiB.
    for (let count = 0; count < 150; count++) connection.data(1, message);
    await connection.settle();
    const updates = (): number =>
      connection.of(1).filter(({ type }) => type === FrameType.windowUpdate).length;
    expect(updates()).toBe(0);
    let seen = 0;
    for await (const { result } of stream) {
      expect(result?.modelName.length).toBe(100_000);
      if (++seen === 150) break;
    }
    await connection.until(() => connection.resetCode(1) !== null);
    expect(updates()).toBeGreaterThan(0);
  });

  it('lets a sender wait for the server', async () => {
    const server = await serve();
    const stream = await clientOf(server).openStream();
    const large = { I: tensor('UINT8', [60_000], new Uint8Array(60_000)) };
    await stream.send('m', large);
    const second = stream.send('m', large);
    stream.end();
    const connection = await server.connection();
    await connection.until(() => connection.body(1).length === 65_535);
    await connection.settle();
    let sent = false;
    void second.then(() => {
      sent = true;
    });
    await connection.settle();
    expect(sent).toBe(false);
    connection.windowUpdate(0, 1_000_000);
    connection.windowUpdate(1, 1_000_000);
    await second;
    await connection.untilEnded(1);
    connection.headers(1, grpcAnswerFields);
    connection.headers(1, [['grpc-status', '0']], true);
    for await (const answer of stream) expect(answer).toBe(null);
  });

  it.each([
    [{ 'a b': 'c' }, 'is no name of a header'],
    [{ a: 'b\r\nc: d' }, 'printable ASCII only'],
  ])('refuses headers that cannot be sent: %j', async (headers, reason) => {
    const client = clientOf(await serve());
    await expect(client.isServerLive({ headers })).rejects.toThrow(reason);
    await expect(client.isServerLive({ headers })).rejects.toThrow(TypeError);
  });

  it.each([
    { connectTimeoutMs: 0 },
    { idleTimeoutMs: -1 },
    { messageBytesMax: 2 ** 31 },
    { keepalive: { timeMs: 0.5 } },
  ])('refuses options out of range: %j', (options) => {
    expect(() => new GrpcClient('a', options)).toThrow(RangeError);
  });
});
