import { connect, type Socket } from 'node:net';
import type { HeaderList } from '../hpack/header-list.ts';
import { HpackDecoder } from '../hpack/hpack-decoder.ts';
import { type EncodedField, encodeHeaderBlock } from '../hpack/hpack-encoder.ts';
import { FrameFlag, FrameType } from '../http2/frame.ts';
import { http2Preface } from '../protocol-choice.ts';

/** A frame that came back. */
export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** Of HEADERS. */
  readonly fields: HeaderList | null;
}

/** The header of a gRPC call as clients send it. */
export function grpcFields(path: string, more: readonly EncodedField[] = []): EncodedField[] {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'localhost'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...more,
  ];
}

/** A message behind its prefix. */
export function grpcMessage(body: Uint8Array | string, flag = 0): Buffer {
  const bytes = Buffer.from(body as string);
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** SETTINGS with these identifiers and values. */
export function settings(...entries: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.concat(
    entries.map(([id, value]) => Buffer.concat([Buffer.from([0, id]), uint32(value)])),
  );
  return frame(FrameType.settings, 0, 0, payload);
}

/** The answer to a gRPC call: its header, as servers send it. */
export const grpcAnswerFields: readonly EncodedField[] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];

const grpcOk: readonly EncodedField[] = [['grpc-status', '0']];

/** One side of an HTTP/2 connection, mostly the client's, that sends what it is told, rules or no rules, and keeps what comes back. */
export class FrameClient {
  readonly socket: Socket;
  readonly frames: ReceivedFrame[] = [];
  readonly #decoder = new HpackDecoder(4096, 1 << 20);
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of a client's preface that have not come. */
  #prefaceLeft: number;
  #chunkCount = 0;
  #closed = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket, prefaceBytes: number) {
    this.socket = socket;
    this.#prefaceLeft = prefaceBytes;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  /** Connects and sends preface and settings. */
  static open(port: number, first: Uint8Array = settings()): Promise<FrameClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const client = new FrameClient(socket, 0);
      socket.once('connect', () => {
        client.send(http2Preface, first);
        resolve(client);
      });
      socket.once('error', reject);
    });
  }

  /** The server's side of a connection that was accepted. */
  static accept(socket: Socket): FrameClient {
    return new FrameClient(socket, http2Preface.length);
  }

  /** Reads so far: what was written at once comes at once. */
  get chunkCount(): number {
    return this.#chunkCount;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(...bytes: readonly Uint8Array[]): void {
    if (!this.#closed) this.socket.write(Buffer.concat(bytes));
  }

  headers(streamId: number, fields: readonly EncodedField[], endStream = false): void {
    const flags = FrameFlag.endHeaders | (endStream ? FrameFlag.endStream : 0);
    this.send(frame(FrameType.headers, flags, streamId, encodeHeaderBlock(fields)));
  }

  data(streamId: number, payload: Uint8Array | string, endStream = false): void {
    const bytes = Buffer.from(payload as string);
    this.send(frame(FrameType.data, endStream ? FrameFlag.endStream : 0, streamId, bytes));
  }

  /** A whole unary call. */
  call(streamId: number, path: string, body: Uint8Array | string): void {
    this.headers(streamId, grpcFields(path));
    this.data(streamId, grpcMessage(body), true);
  }

  reset(streamId: number, code = 8): void {
    this.send(frame(FrameType.rstStream, 0, streamId, uint32(code)));
  }

  windowUpdate(streamId: number, byteLength: number): void {
    this.send(frame(FrameType.windowUpdate, 0, streamId, uint32(byteLength)));
  }

  ping(payload = 'pingping', flags = 0): void {
    this.send(frame(FrameType.ping, flags, 0, Buffer.from(payload, 'latin1')));
  }

  /** Frames of one stream. */
  of(streamId: number): ReceivedFrame[] {
    return this.frames.filter((received) => received.streamId === streamId);
  }

  body(streamId: number): Buffer {
    const data = this.of(streamId).filter(({ type }) => type === FrameType.data);
    return Buffer.concat(data.map(({ payload }) => payload));
  }

  /** Last value of a field that came back on a stream, trailers included. */
  field(streamId: number, name: string): string | null {
    let found: string | null = null;
    for (const { fields } of this.of(streamId)) {
      const index = fields?.names.indexOf(name) ?? -1;
      if (index >= 0) found = fields?.values[index] ?? null;
    }
    return found;
  }

  /** Code of the GOAWAY that ended the connection, or null; a graceful one has code 0. */
  get goawayCode(): number | null {
    const goaway = this.frames.findLast(({ type }) => type === FrameType.goaway);
    return goaway?.payload.readUInt32BE(4) ?? null;
  }

  /** Code of the RST_STREAM for a stream, or null. */
  resetCode(streamId: number): number | null {
    const reset = this.of(streamId).find(({ type }) => type === FrameType.rstStream);
    return reset?.payload.readUInt32BE(0) ?? null;
  }

  /** Whether the stream has ended, in whatever way. */
  ended(streamId: number): boolean {
    return this.of(streamId).some(
      ({ type, flags }) =>
        type === FrameType.rstStream ||
        ((type === FrameType.data || type === FrameType.headers) &&
          (flags & FrameFlag.endStream) !== 0),
    );
  }

  /** Waits until `condition` holds, looking after everything that arrives. */
  async until(condition: (client: FrameClient) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.#closed) {
        const got = this.frames
          .slice(-20)
          .map(({ type, streamId }) => `${type}/${streamId}`)
          .join(' ');
        throw new Error(`closed after the frames ${got}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async untilEnded(streamId: number): Promise<void> {
    await this.until((client) => client.ended(streamId));
  }

  async untilClosed(): Promise<void> {
    await this.until((client) => client.closed);
  }

  /** Waits for the answer to a PING sent now: everything sent before has been handled then. */
  async settle(): Promise<void> {
    const answers = (): number =>
      this.frames.filter(({ type, flags }) => type === FrameType.ping && flags === 1).length;
    const before = answers();
    this.ping();
    await this.until(() => answers() > before || this.#closed);
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Answers a call: header, message, trailers. */
  answer(
    streamId: number,
    body: Uint8Array | string,
    trailers: readonly EncodedField[] = grpcOk,
  ): void {
    this.headers(streamId, grpcAnswerFields);
    this.data(streamId, grpcMessage(body));
    this.headers(streamId, trailers, true);
  }

  #read(chunk: Buffer): void {
    this.#chunkCount++;
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const skipped = Math.min(this.#prefaceLeft, rest.length);
    this.#prefaceLeft -= skipped;
    rest = rest.subarray(skipped);
    while (rest.length >= 9) {
      const length = rest.readUIntBE(0, 3);
      if (rest.length < 9 + length) break;
      const payload = rest.subarray(9, 9 + length);
      const type = rest[3] as number;
      this.frames.push({
        type,
        flags: rest[4] as number,
        streamId: rest.readUInt32BE(5),
        payload,
        fields:
          type === FrameType.headers ? this.#decoder.decode(payload, 0, payload.length) : null,
      });
      rest = rest.subarray(9 + length);
    }
    this.#rest = rest;
    this.#wake?.();
  }
}
