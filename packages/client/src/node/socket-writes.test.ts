import { once } from 'node:events';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { settings } from '../../../transport/src/testing/frame-client.ts';
import { FrameServer } from '../../../transport/src/testing/frame-server.ts';
import type { InferenceClient } from '../inference-client.ts';
import { tensor } from '../tensor/tensor.ts';
import { GrpcClient } from './grpc-client.ts';
import { HttpClient } from './http-client.ts';

const closings: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

const image = Float32Array.from({ length: 3 * 640 * 640 }, (_, i) => i);

/** Bytes of the image's own memory that sockets are given while `send` runs, in order. */
async function writtenInPlace(send: () => Promise<unknown>): Promise<number> {
  let next = 0;
  const write = Socket.prototype.write as (this: Socket, ...args: unknown[]) => boolean;
  Socket.prototype.write = function (this: Socket, ...args: unknown[]): boolean {
    const [chunk] = args;
    if (chunk instanceof Uint8Array && chunk.buffer === image.buffer) {
      expect(chunk.byteOffset).toBe(next);
      next += chunk.byteLength;
    }
    return write.apply(this, args);
  };
  closings.push(() => {
    Socket.prototype.write = write;
  });
  await send();
  return next;
}

function infer(client: InferenceClient): Promise<unknown> {
  closings.push(() => client.close());
  // The servers of these tests answer nothing.
  return client
    .infer('m', { I: tensor('FP32', [1, 3, 640, 640], image) }, { timeoutMs: 60_000 })
    .catch(() => {});
}

it('an HTTP client hands a tensor to the socket where it lies', async () => {
  const server = createServer((socket) => {
    let received = 0;
    socket.on('error', () => {});
    socket.on('data', ({ length }) => {
      received += length;
      if (received > image.byteLength) socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closings.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const written = await writtenInPlace(() => infer(new HttpClient(`127.0.0.1:${port}`)));
  expect(written).toBe(image.byteLength);
});

it('a gRPC client hands a tensor to the socket where it lies', async () => {
  const server = await FrameServer.start(settings([4, 2 ** 31 - 1]));
  closings.push(() => server.close());
  const written = await writtenInPlace(async () => {
    const asked = infer(new GrpcClient(`127.0.0.1:${server.port}`));
    const connection = await server.connection();
    connection.windowUpdate(0, 2 ** 30);
    await connection.untilEnded(1);
    connection.destroy();
    await asked;
  });
  // The last few bytes share a frame's memory with its header.
  expect(written).toBeGreaterThan(image.byteLength - 4096);
});
