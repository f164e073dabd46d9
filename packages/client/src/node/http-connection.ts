import { connect as connectPlain, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { HttpRequest } from '../http/http-transport.ts';
import { connectionError, type InferenceError } from '../inference-error.ts';
import { ChunkedReader } from './chunked-reader.ts';
import type { HttpExchange } from './http-exchange.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';

/** Where connections lead. */
export interface HttpEndpoint {
  readonly host: string;
  readonly port: number;
  /** `host:port`, for the Host header and messages. */
  readonly authority: string;
  /** Null for plain HTTP. */
  readonly tls: ConnectionOptions | null;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  /** The answer is whole, and the connection can be used again. */
  idle(connection: HttpConnection): void;
  closed(connection: HttpConnection): void;
}

/** Requests up to this size leave in one write. */
const mergedBytesMax = 16 * 1024;
const headBytesMax = 64 * 1024;
/** What is no body of known length is read into this, for all connections: it is used up at once. */
const shared = new Uint8Array(64 * 1024);
/** A read for what is less would cost more than to copy it. */
const inPlaceBytesMin = 16 * 1024;

/** One connection: one request at a time. */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #endpoint: HttpEndpoint;
  readonly #owner: ConnectionOwner;
  #exchange: HttpExchange | null = null;
  #headText = '';
  #head: ResponseHead | null = null;
  #chunks: ChunkedReader | null = null;
  /** Of a body of known length; -1 for others. */
  #bodyLeft = -1;
  #target: Uint8Array | null = null;
  #failure: Error | null = null;
  #closed = false;

  constructor(endpoint: HttpEndpoint, owner: ConnectionOwner) {
    this.#endpoint = endpoint;
    this.#owner = owner;
    const { host, port, tls } = endpoint;
    const onread: OnReadOpts = {
      buffer: () => this.#readTarget(),
      callback: (byteLength) => this.#read(byteLength),
    };
    const socket =
      tls === null
        ? connectPlain({ host, port, noDelay: true, onread })
        : connectTls({ ...tls, host, port, onread } as ConnectionOptions);
    if (tls !== null) socket.setNoDelay(true);
    socket.on('error', (error) => {
      this.#failure = error;
    });
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#close());
    this.#socket = socket;
  }

  /** Sends a request. The connection must be idle. */
  send(exchange: HttpExchange): void {
    this.#exchange = exchange;
    this.#socket.ref();
    const { request } = exchange;
    const head = this.#headOf(request);
    const bodyLength = request.body.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (bodyLength === 0) this.#socket.write(head, 'latin1');
    else if (bodyLength <= mergedBytesMax) {
      this.#socket.write(Buffer.concat([Buffer.from(head, 'latin1'), ...request.body]));
    } else {
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      for (const piece of request.body) this.#socket.write(piece);
      this.#socket.uncork();
    }
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends the connection, and the request on it with this error. */
  abandon(error: InferenceError): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#socket.destroy();
    exchange?.sink.fail(error);
  }

  #headOf({ method, path, headers, body }: HttpRequest): string {
    let text = `${method} ${path} HTTP/1.1\r\nhost: ${this.#endpoint.authority}\r\n`;
    for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
    if (method === 'POST') {
      text += `content-length: ${body.reduce((sum, { byteLength }) => sum + byteLength, 0)}\r\n`;
    }
    return `${text}\r\n`;
  }

  #readTarget(): Uint8Array {
    const target =
      this.#bodyLeft >= inPlaceBytesMin ? (this.#exchange?.sink.target() ?? null) : null;
    this.#target = target;
    return target ?? shared;
  }

  /** @returns false where the reader must catch up first. */
  #read(byteLength: number): boolean {
    const sink = this.#exchange?.sink;
    try {
      if (this.#target !== null && sink !== undefined) {
        sink.filled(byteLength);
        this.#bodyLeft -= byteLength;
        if (this.#bodyLeft === 0) this.#complete(0);
        return true;
      }
      return this.#readPieces(shared.subarray(0, byteLength));
    } catch (error) {
      this.abandon(connectionError(this.#endpoint.authority, error));
      return false;
    }
  }

  #readPieces(bytes: Uint8Array): boolean {
    let at = 0;
    let room = true;
    while (at < bytes.length) {
      const sink = this.#exchange?.sink;
      // What nobody asked for.
      if (sink === undefined) {
        this.#socket.destroy();
        return false;
      }
      if (this.#head === null) {
        at = this.#readHead(bytes, at);
        continue;
      }
      if (this.#chunks !== null) {
        at = this.#chunks.read(bytes, at, (piece) => {
          room = sink.piece(piece) && room;
        });
        if (this.#chunks.complete) this.#complete(bytes.length - at);
        continue;
      }
      const end = this.#bodyLeft < 0 ? bytes.length : Math.min(bytes.length, at + this.#bodyLeft);
      room = sink.piece(bytes.subarray(at, end)) && room;
      if (this.#bodyLeft >= 0) this.#bodyLeft -= end - at;
      at = end;
      if (this.#bodyLeft === 0) this.#complete(bytes.length - at);
    }
    return room;
  }

  #readHead(bytes: Uint8Array, at: number): number {
    const before = this.#headText.length;
    const text = this.#headText + latin1(bytes.subarray(at));
    const end = text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end < 0) {
      if (text.length > headBytesMax) throw new SyntaxError('the header of the answer is too long');
      this.#headText = text;
      return bytes.length;
    }
    this.#headText = '';
    const head = parseResponseHead(text.slice(0, end));
    const next = at + end + 4 - before;
    // Interim answers, such as 100 Continue.
    if (head.status < 200) return next;
    this.#head = head;
    this.#chunks = head.chunked ? new ChunkedReader() : null;
    this.#bodyLeft = head.contentLength ?? -1;
    this.#exchange?.sink.head(head);
    if (this.#bodyLeft === 0) this.#complete(bytes.length - next);
    return next;
  }

  /** @param unreadBytes Come after the answer, which nobody asked for. */
  #complete(unreadBytes: number): void {
    const exchange = this.#exchange;
    const reusable = this.#head?.keepAlive === true && unreadBytes === 0;
    this.#exchange = null;
    this.#head = null;
    this.#chunks = null;
    this.#bodyLeft = -1;
    // A client that waits for nothing lets the process end.
    this.#socket.unref();
    if (reusable) this.#owner.idle(this);
    else this.#socket.destroy();
    exchange?.sink.end();
  }

  #ended(): void {
    const untilClose = this.#head !== null && this.#chunks === null && this.#bodyLeft < 0;
    if (untilClose) this.#complete(0);
    else this.#socket.destroy();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.closed(this);
    const exchange = this.#exchange;
    this.#exchange = null;
    const cause =
      this.#failure ?? new Error('the connection was closed before the answer was whole');
    exchange?.sink.fail(connectionError(this.#endpoint.authority, cause));
  }
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}
