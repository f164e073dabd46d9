import { connect, type Socket } from 'node:net';
import { encodeHeaderBlock } from '../../packages/transport/src/hpack/hpack-encoder.ts';
import { frame, grpcFields } from '../../packages/transport/src/testing/frame-client.ts';

/** Before the server has said how large frames may be: RFC 9113 section 6.5.2. */
const firstFrameBytes = 16_384;
const windowBytes = 2 ** 31 - 1;

/** Sends a message and waits until the same number of bytes is back; resolves to milliseconds. */
export interface LargeEcho {
  roundTripMs(): Promise<number>;
  close(): void;
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

export async function openSocketEcho(port: number, messageBytes: number): Promise<LargeEcho> {
  const socket = await open(port);
  const message = Buffer.alloc(messageBytes, 0x61);
  return {
    roundTripMs: () =>
      new Promise((resolve) => {
        const start = performance.now();
        let left = messageBytes;
        const take = (chunk: Buffer): void => {
          left -= chunk.length;
          if (left > 0) return;
          socket.off('data', take);
          resolve(performance.now() - start);
        };
        socket.on('data', take);
        socket.write(message);
      }),
    close: () => socket.destroy(),
  };
}

/** Walks over frames without keeping DATA. */
class FrameWalker {
  readonly #onFrame: (type: number, flags: number, streamId: number, payload: Buffer) => void;
  readonly #header = Buffer.alloc(9);
  #headerLength = 0;
  #payload: Buffer = Buffer.alloc(0);
  #payloadLength = 0;
  #left = 0;

  constructor(onFrame: (type: number, flags: number, streamId: number, payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerLength < 9) {
        at += this.#take(chunk, at);
        continue;
      }
      const count = Math.min(this.#left, chunk.length - at);
      if (this.#payload.length > 0) chunk.copy(this.#payload, this.#payloadLength, at, at + count);
      this.#payloadLength += count;
      this.#left -= count;
      at += count;
      if (this.#left === 0) this.#end();
    }
  }

  #take(chunk: Buffer, at: number): number {
    const count = Math.min(9 - this.#headerLength, chunk.length - at);
    chunk.copy(this.#header, this.#headerLength, at, at + count);
    this.#headerLength += count;
    if (this.#headerLength === 9) {
      this.#left = this.#header.readUIntBE(0, 3);
      this.#payload = Buffer.alloc(this.#header[3] === 0 ? 0 : this.#left);
      this.#payloadLength = 0;
      if (this.#left === 0) this.#end();
    }
    return count;
  }

  #end(): void {
    this.#headerLength = 0;
    const header = this.#header;
    this.#onFrame(header[3] ?? 0, header[4] ?? 0, header.readUInt32BE(5), this.#payload);
  }
}

/**
 * A gRPC client that keeps to the windows of the server and has the largest ones itself. An answer
 * without a message throws.
 */
export async function openGrpcEcho(port: number, messageBytes: number): Promise<LargeEcho> {
  return openGrpcCalls(port, '/a.B/Echo', Buffer.alloc(messageBytes, 0x61));
}

/** The same for any unary method and message. */
export async function openGrpcCalls(
  port: number,
  path: string,
  message: Uint8Array,
): Promise<LargeEcho> {
  const socket = await open(port);
  const body = Buffer.alloc(5 + message.byteLength);
  body.set(message, 5);
  body.writeUInt32BE(message.byteLength, 1);
  let answered = false;
  let window = 65_535;
  let streamWindow = 65_535;
  let initialWindow = 65_535;
  let frameBytes = firstFrameBytes;
  let sent = body.length;
  let streamId = -1;
  let done = (): void => {};
  const pump = (): void => {
    const parts: Buffer[] = [];
    while (sent < body.length) {
      const size = Math.min(frameBytes, window, streamWindow, body.length - sent);
      if (size <= 0) break;
      const header = Buffer.alloc(9);
      header.writeUIntBE(size, 0, 3);
      header[4] = sent + size === body.length ? 1 : 0;
      header.writeUInt32BE(streamId, 5);
      parts.push(header, body.subarray(sent, sent + size));
      sent += size;
      window -= size;
      streamWindow -= size;
    }
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
  };
  const walker = new FrameWalker((type, flags, id, payload) => {
    if (type === 4 && (flags & 1) === 0) {
      for (let at = 0; at < payload.length; at += 6) {
        // Frames as large as they may be, as gRPC's own clients in C++ make them.
        if (payload.readUInt16BE(at) === 5) frameBytes = payload.readUInt32BE(at + 2);
        if (payload.readUInt16BE(at) !== 4) continue;
        // Streams that are open grow with it: RFC 9113 section 6.9.2.
        streamWindow += payload.readUInt32BE(at + 2) - initialWindow;
        initialWindow = payload.readUInt32BE(at + 2);
      }
      pump();
      socket.write(frame(4, 1, 0, Buffer.alloc(0)));
    } else if (type === 8) {
      if (id === 0) window += payload.readUInt32BE(0);
      else if (id === streamId) streamWindow += payload.readUInt32BE(0);
      pump();
    } else if (type === 0) answered = true;
    else if (type === 1 && (flags & 1) !== 0) {
      if (!answered) throw new Error('the call failed');
      answered = false;
      done();
    } else if (type === 3 || type === 7) throw new Error(`frame of type ${type}`);
  });
  socket.on('data', (chunk: Buffer) => walker.read(chunk));
  const settings = Buffer.alloc(12);
  settings.writeUInt16BE(4);
  settings.writeUInt32BE(windowBytes, 2);
  // As gRPC's own clients in C++ have it.
  settings.writeUInt16BE(5, 6);
  settings.writeUInt32BE(4 * 1024 * 1024, 8);
  const more = Buffer.alloc(4);
  more.writeUInt32BE(windowBytes - 65_535);
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(Buffer.concat([frame(4, 0, 0, settings), frame(8, 0, 0, more)]));
  const giveBack = Buffer.alloc(4);
  giveBack.writeUInt32BE(body.length);
  return {
    roundTripMs: () =>
      new Promise((resolve) => {
        const start = performance.now();
        done = (): void => {
          const ms = performance.now() - start;
          socket.write(frame(8, 0, 0, giveBack));
          resolve(ms);
        };
        streamId += 2;
        streamWindow = initialWindow;
        sent = 0;
        socket.write(frame(1, 4, streamId, encodeHeaderBlock(grpcFields(path))));
        pump();
      }),
    close: () => socket.destroy(),
  };
}
