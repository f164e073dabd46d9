import { connect, type Socket } from 'node:net';

const frameHeaderBytes = 9;
const headersType = 1;
const dataType = 0;
const endStream = 1;
const endHeaders = 4;
const windowBytes = 2 ** 31 - 1;

/** As gRPC's own clients send them. */
const fields: readonly (readonly [string, string])[] = [
  [':path', '/inference.GRPCInferenceService/ModelInfer'],
  [':authority', 'localhost:8001'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
  ['user-agent', 'grpc-c++/1.62.0 grpc-c/39.0.0 (linux; chttp2)'],
  ['grpc-accept-encoding', 'identity, deflate, gzip'],
];
/** POST and http of the static table. */
const staticFields = [0x83, 0x86];

function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(frameHeaderBytes + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, frameHeaderBytes);
  return bytes;
}

/** The block that fills the table, and the one that refers to it. */
function blocks(): { readonly first: Buffer; readonly later: Buffer } {
  const first: number[] = [...staticFields];
  for (const [name, value] of fields) {
    first.push(0x40, name.length, ...Buffer.from(name), value.length, ...Buffer.from(value));
  }
  const later = fields.map((_, index) => 0x80 | (61 + fields.length - index));
  return { first: Buffer.from(first), later: Buffer.from([...staticFields, ...later]) };
}

/** One connection that keeps `inFlight` unary calls under way; it only counts what comes back. */
export class LoadConnection {
  readonly #socket: Socket;
  readonly #body: Buffer;
  readonly #later: Buffer;
  #nextId = 1;
  #running = true;
  #rest: Buffer = Buffer.alloc(0);
  #doneCalls = 0;

  private constructor(socket: Socket, messageBytes: number, inFlight: number) {
    this.#socket = socket;
    this.#body = Buffer.alloc(5 + messageBytes, 0x61);
    this.#body[0] = 0;
    this.#body.writeUInt32BE(messageBytes, 1);
    const { first, later } = blocks();
    this.#later = later;
    const windows = Buffer.alloc(6);
    windows.writeUInt16BE(4);
    windows.writeUInt32BE(windowBytes, 2);
    const more = Buffer.alloc(4);
    more.writeUInt32BE(windowBytes - 65_535);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(Buffer.concat([frame(4, 0, 0, windows), frame(8, 0, 0, more)]));
    socket.write(this.#callBytes(first));
    for (let count = 1; count < inFlight; count++) socket.write(this.#callBytes(later));
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  static open(port: number, messageBytes: number, inFlight: number): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('connect', () => resolve(new LoadConnection(socket, messageBytes, inFlight)));
      socket.once('error', reject);
    });
  }

  get doneCalls(): number {
    return this.#doneCalls;
  }

  close(): void {
    this.#running = false;
    this.#socket.destroy();
  }

  #callBytes(block: Buffer): Buffer {
    const id = this.#nextId;
    this.#nextId += 2;
    const header = frame(headersType, endHeaders, id, block);
    return Buffer.concat([header, frame(dataType, endStream, id, this.#body)]);
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const calls: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= frameHeaderBytes) {
      const end = at + frameHeaderBytes + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const type = bytes[at + 3];
      if (type === 3 || type === 7) throw new Error(`frame of type ${type}`);
      if (type === 4 && ((bytes[at + 4] ?? 0) & 1) === 0)
        this.#socket.write(frame(4, 1, 0, Buffer.alloc(0)));
      if (type === headersType && ((bytes[at + 4] ?? 0) & endStream) !== 0) {
        this.#doneCalls++;
        calls.push(this.#callBytes(this.#later));
      }
      at = end;
    }
    this.#rest = bytes.subarray(at);
    if (this.#running && calls.length > 0) this.#socket.write(Buffer.concat(calls));
  }
}
