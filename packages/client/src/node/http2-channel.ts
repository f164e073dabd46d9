import {
  type ClientConnectionOptions,
  type ClientConnectionOwner,
  type ClientKeepalive,
  ClientSocket,
  clientLimits,
  Http2ClientConnection,
  systemClock,
} from '@nereid/transport/client';
import type { GrpcCall, GrpcChannel, GrpcStream } from '../grpc/grpc-channel.ts';
import { abortedError, grpcError, type InferenceError, localError } from '../inference-error.ts';
import { type CallSink, type ExchangeOwner, GrpcExchange } from './grpc-exchange.ts';
import { GrpcFields } from './grpc-fields.ts';
import { GrpcMessageStream } from './grpc-message-stream.ts';
import type { HttpEndpoint } from './http-connection.ts';

/** How connections are made and kept. */
export interface Http2ChannelOptions {
  /** How long a server may take to be reached. */
  readonly connectTimeoutMs: number;
  /** A connection without calls for so long is closed. */
  readonly idleTimeoutMs: number;
  /** Messages larger than this are neither sent nor taken. */
  readonly messageBytesMax: number;
  readonly keepalive: ClientKeepalive;
}

/** Carries calls over one HTTP/2 connection, which is made when first needed, and again when lost. */
export class Http2Channel implements GrpcChannel, ExchangeOwner, ClientConnectionOwner {
  readonly authority: string;
  readonly messageBytesMax: number;
  readonly #endpoint: HttpEndpoint;
  readonly #options: Omit<ClientConnectionOptions, 'streamsMaxBefore'>;
  #streamsMaxBefore: number | null = null;
  readonly #fields: GrpcFields;
  /** Takes new calls; others in `#all` end what they have. */
  #current: Http2ClientConnection | null = null;
  readonly #all = new Set<Http2ClientConnection>();
  /** Beyond what the server takes at the same time; they leave in order. */
  readonly #waiting = new Set<GrpcExchange>();
  #closedError: InferenceError | null = null;
  #allClosed: (() => void) | null = null;

  constructor(endpoint: HttpEndpoint, options: Http2ChannelOptions) {
    this.#endpoint = endpoint;
    this.authority = endpoint.authority;
    this.messageBytesMax = options.messageBytesMax;
    this.#options = { ...options, limits: clientLimits, clock: systemClock };
    this.#fields = new GrpcFields(endpoint.tls !== null, endpoint.authority);
  }

  get closedError(): InferenceError | null {
    return this.#closedError;
  }

  unary(call: GrpcCall, message: readonly Uint8Array[]): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const sink = new UnarySink(resolve, reject);
      const exchange = this.#exchange(call, sink);
      if (exchange === null) return;
      sink.exchange = exchange;
      exchange.sendOnly(message);
      if (!exchange.isOver) this.start(exchange);
    });
  }

  open(call: GrpcCall): GrpcStream {
    return new GrpcMessageStream((sink) => {
      const exchange = this.#exchange(call, sink);
      if (exchange !== null) this.start(exchange);
      return exchange;
    });
  }

  async close(): Promise<void> {
    this.#closedError ??= localError('CANCELLED', 'the client was closed');
    for (const exchange of [...this.#waiting]) exchange.cancel(this.#closedError);
    for (const connection of [...this.#all]) connection.destroy(this.#closedError);
    if (this.#all.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#allClosed = resolve;
    });
  }

  // ---- calls

  start(exchange: GrpcExchange): void {
    if (this.#waiting.size === 0) {
      const connection = this.#connected();
      if (connection.hasRoom) {
        exchange.begin(connection);
        return;
      }
    }
    this.#waiting.add(exchange);
  }

  gaveUp(exchange: GrpcExchange): void {
    this.#waiting.delete(exchange);
  }

  /** @returns Null for a call that has ended before it began. */
  #exchange(call: GrpcCall, sink: CallSink): GrpcExchange | null {
    const { signal } = call;
    if (this.#closedError !== null) sink.ended(this.#closedError);
    else if (signal?.aborted === true) sink.ended(abortedError(signal));
    else return new GrpcExchange(call, this.#fields.of(call), this, sink);
    return null;
  }

  // ---- connections

  roomMade(): void {
    if (this.#waiting.size > 0 && this.#closedError === null) this.#startWaiting();
  }

  retired(connection: Http2ClientConnection): void {
    this.#streamsMaxBefore = connection.streamsMax ?? this.#streamsMaxBefore;
    if (this.#current === connection) this.#current = null;
    this.roomMade();
  }

  closed(connection: Http2ClientConnection): void {
    this.#all.delete(connection);
    if (this.#all.size === 0) this.#allClosed?.();
  }

  #startWaiting(): void {
    for (const exchange of this.#waiting) {
      const connection = this.#connected();
      if (!connection.hasRoom) return;
      this.#waiting.delete(exchange);
      exchange.begin(connection);
    }
  }

  #connected(): Http2ClientConnection {
    if (this.#current === null) {
      this.#current = new Http2ClientConnection(
        (owner) => new ClientSocket(this.#endpoint, owner),
        { ...this.#options, streamsMaxBefore: this.#streamsMaxBefore },
        this,
      );
      this.#all.add(this.#current);
    }
    return this.#current;
  }
}

/** Takes the one answer of a unary call. */
class UnarySink implements CallSink {
  exchange: GrpcExchange | null = null;
  readonly #resolve: (answer: Uint8Array) => void;
  readonly #reject: (error: InferenceError) => void;
  #answer: Uint8Array | null = null;

  constructor(resolve: (answer: Uint8Array) => void, reject: (error: InferenceError) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  message(bytes: Uint8Array): boolean {
    if (this.#answer === null) {
      this.#answer = bytes;
      return true;
    }
    this.exchange?.cancel(localError('INTERNAL', 'the call has more than one answer'));
    return false;
  }

  drained(): void {}

  ended(error: InferenceError | null): void {
    if (error !== null) this.#reject(error);
    else if (this.#answer !== null) this.#resolve(this.#answer);
    else this.#reject(grpcError(12, 'the call ended without an answer'));
  }
}
