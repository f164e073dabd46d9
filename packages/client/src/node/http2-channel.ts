import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import type { GrpcCall, GrpcChannel, GrpcStream } from '../grpc/grpc-channel.ts';
import { MessageFrames, messagePrefix } from '../grpc/message-frames.ts';
import { statusText } from '../grpc/status-text.ts';
import {
  abortedError,
  connectionError,
  grpcError,
  httpError,
  InferenceError,
  timeoutError,
} from '../inference-error.ts';
import type { HttpEndpoint } from './http-connection.ts';

/** Windows that let a large tensor come without waiting for updates. */
const windowBytes = 16 * 1024 * 1024;
const frameBytesMax = 1024 * 1024;
/** Messages that may wait for their reader before the server has to. */
const waitingMessagesMax = 64;

const compressors = { gzip: gzipSync, deflate: deflateSync };
const decompressors: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
};

/** Carries calls over one HTTP/2 connection, which is made when first needed, and again when lost. */
export class Http2Channel implements GrpcChannel {
  readonly #endpoint: HttpEndpoint;
  #session: ClientHttp2Session | null = null;
  #closed = false;

  constructor(endpoint: HttpEndpoint) {
    this.#endpoint = endpoint;
  }

  unary(call: GrpcCall, message: readonly Uint8Array[]): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let answer: Uint8Array | null = null;
      const exchange = this.#start(call, {
        message: (bytes) => {
          answer = bytes;
        },
        end: (error) => {
          if (error !== null) reject(error);
          else if (answer === null) reject(grpcError(12, 'the call ended without an answer'));
          else resolve(answer);
        },
      });
      exchange?.write(message);
      exchange?.end();
    });
  }

  open(call: GrpcCall): GrpcStream {
    return new Http2GrpcStream((sink) => this.#start(call, sink));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const session = this.#session;
    this.#session = null;
    if (session === null || session.closed) return;
    await new Promise<void>((resolve) => {
      session.once('close', resolve);
      session.destroy();
    });
  }

  #start(call: GrpcCall, sink: CallSink): CallExchange | null {
    const { signal } = call;
    if (this.#closed) sink.end(new InferenceError('CANCELLED', 'the client was closed', null));
    else if (signal?.aborted === true) sink.end(abortedError(signal));
    else return new CallExchange(this.#connected(), call, this.#endpoint.authority, sink);
    return null;
  }

  #connected(): ClientHttp2Session {
    const known = this.#session;
    if (known !== null && !known.closed && !known.destroyed) return known;
    const { authority, tls, host, port } = this.#endpoint;
    const session = connect(`${tls === null ? 'http' : 'https'}://${authority}`, {
      ...tls,
      host,
      port,
      settings: { initialWindowSize: windowBytes, maxFrameSize: frameBytesMax, enablePush: false },
    });
    session.once('connect', () => session.setLocalWindowSize(windowBytes));
    // What is wrong with the connection ends its streams, which tell their callers.
    session.on('error', () => {});
    session.on('goaway', () => this.#forget(session));
    session.on('close', () => this.#forget(session));
    session.unref();
    this.#session = session;
    return session;
  }

  #forget(session: ClientHttp2Session): void {
    if (this.#session === session) this.#session = null;
  }
}

/** Takes what comes of a call. `end` comes once, last. */
interface CallSink {
  message(bytes: Uint8Array): void;
  end(error: InferenceError | null): void;
}

/** One call on its HTTP/2 stream. */
class CallExchange {
  readonly #stream: ClientHttp2Stream;
  readonly #session: ClientHttp2Session;
  readonly #call: GrpcCall;
  readonly #authority: string;
  readonly #sink: CallSink;
  readonly #frames = new MessageFrames();
  #decompress: ((bytes: Uint8Array) => Uint8Array) | null = null;
  #trailers: IncomingHttpHeaders | null = null;
  #status = 200;
  #timer: NodeJS.Timeout | null = null;
  #error: InferenceError | null = null;
  #over = false;

  constructor(session: ClientHttp2Session, call: GrpcCall, authority: string, sink: CallSink) {
    this.#session = session;
    this.#call = call;
    this.#authority = authority;
    this.#sink = sink;
    const stream = session.request(headersOf(call), { endStream: false });
    this.#stream = stream;
    session.ref();
    stream.on('response', (headers) => this.#readHeaders(headers));
    stream.on('trailers', (trailers) => {
      this.#trailers = trailers;
    });
    stream.on('data', (bytes: Buffer) => this.#read(bytes));
    stream.on('error', (error) => {
      this.#error ??= connectionError(authority, error);
    });
    stream.on('close', () => this.#finish());
    const { timeoutMs, signal } = call;
    if (timeoutMs !== null) {
      this.#timer = setTimeout(() => this.cancel(timeoutError(timeoutMs)), timeoutMs);
    }
    signal?.addEventListener('abort', this.#abort);
  }

  get writableNeedsDrain(): boolean {
    return this.#stream.writableNeedDrain;
  }

  onceDrained(then: () => void): void {
    this.#stream.once('drain', then);
    this.#stream.once('close', then);
  }

  write(message: readonly Uint8Array[]): void {
    const { compression } = this.#call;
    if (this.#over) return;
    const pieces =
      compression === null ? message : [compressors[compression](Buffer.concat(message))];
    const byteLength = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    const prefix = messagePrefix(byteLength, compression !== null);
    if (byteLength <= frameBytesMax) {
      this.#stream.write(Buffer.concat([prefix, ...pieces]));
      return;
    }
    this.#stream.cork();
    this.#stream.write(prefix);
    for (const piece of pieces) this.#stream.write(piece);
    this.#stream.uncork();
  }

  end(): void {
    if (!this.#over) this.#stream.end();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  cancel(error: InferenceError): void {
    if (this.#over) return;
    this.#error ??= error;
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#finish();
  }

  readonly #abort = (): void => this.cancel(abortedError(this.#call.signal as AbortSignal));

  #readHeaders(headers: IncomingHttpHeaders & { ':status'?: number | undefined }): void {
    this.#status = headers[':status'] ?? 200;
    this.#decompress = decompressors[String(headers['grpc-encoding'])] ?? null;
    // An answer without messages is all header.
    if (headers['grpc-status'] !== undefined) this.#trailers = headers;
  }

  #read(bytes: Buffer): void {
    try {
      this.#frames.read(bytes, (message, flags) => {
        const decompress = flags === 1 ? this.#decompress : (whole: Uint8Array) => whole;
        if (decompress === null) throw new RangeError('a message compressed in an unknown way');
        this.#sink.message(decompress(message));
      });
    } catch (error) {
      this.cancel(connectionError(this.#authority, error));
    }
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#call.signal?.removeEventListener('abort', this.#abort);
    if (!this.#session.destroyed) this.#session.unref();
    this.#sink.end(this.#error ?? this.#outcome());
  }

  #outcome(): InferenceError | null {
    const status = this.#trailers?.['grpc-status'];
    if (status === undefined) {
      if (this.#status !== 200) return httpError(this.#status, `status ${this.#status}`);
      return connectionError(this.#authority, new Error('the call ended without a status'));
    }
    if (status === '0') return null;
    return grpcError(Number(status), statusText(String(this.#trailers?.['grpc-message'] ?? '')));
  }
}

/** A call whose messages are read one by one. */
class Http2GrpcStream implements GrpcStream {
  readonly messages: AsyncIterable<Uint8Array>;
  readonly #exchange: CallExchange | null;
  #waiting: Uint8Array[] = [];
  #ended = false;
  #error: InferenceError | null = null;
  #wake: (() => void) | null = null;

  constructor(start: (sink: CallSink) => CallExchange | null) {
    this.#exchange = start({
      message: (bytes) => {
        this.#waiting.push(bytes);
        if (this.#waiting.length >= waitingMessagesMax) this.#exchange?.pause();
        this.#wake?.();
      },
      end: (error) => {
        this.#ended = true;
        this.#error = error;
        this.#wake?.();
      },
    });
    this.messages = this.#read();
  }

  async send(message: readonly Uint8Array[]): Promise<void> {
    const exchange = this.#exchange;
    if (this.#ended || exchange === null) {
      throw this.#error ?? new InferenceError('CANCELLED', 'the stream has ended', null);
    }
    exchange.write(message);
    if (exchange.writableNeedsDrain) {
      await new Promise<void>((resolve) => exchange.onceDrained(resolve));
    }
  }

  end(): void {
    this.#exchange?.end();
  }

  cancel(): void {
    this.#exchange?.cancel(new InferenceError('CANCELLED', 'the stream was given up', null));
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const message = this.#waiting.shift();
        if (message !== undefined) {
          if (this.#waiting.length === 0) this.#exchange?.resume();
          yield message;
        } else if (this.#ended) {
          if (this.#error !== null) throw this.#error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = null;
        }
      }
    } finally {
      this.cancel();
    }
  }
}

function headersOf({ path, metadata, timeoutMs, compression }: GrpcCall): Record<string, string> {
  const headers: Record<string, string> = {
    ...metadata,
    ':method': 'POST',
    ':path': path,
    te: 'trailers',
    'content-type': 'application/grpc',
    'grpc-accept-encoding': 'identity,gzip,deflate',
  };
  if (timeoutMs !== null) headers['grpc-timeout'] = `${Math.max(1, Math.ceil(timeoutMs))}m`;
  if (compression !== null) headers['grpc-encoding'] = compression;
  return headers;
}
