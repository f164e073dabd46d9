import {
  type EncodedField,
  ErrorCode,
  type HeaderList,
  type Http2ClientConnection,
  type Http2Stream,
  headerValue,
  type ResponseReader,
  type StreamLoss,
} from '@nereid/transport/client';
import type { GrpcCall } from '../grpc/grpc-channel.ts';
import { abortedError, type InferenceError, timeoutError } from '../inference-error.ts';
import { grpcOutcome, lossError, notGrpc } from './grpc-outcome.ts';
import { type InboxOwner, MessageInbox } from './message-inbox.ts';
import { MessageOutbox, type OutboxOwner } from './message-outbox.ts';

/** Takes what comes of a call. `ended` comes once, last. */
export interface CallSink {
  /** @returns Whether further messages may come now; if not, `resume` asks for them. */
  message(bytes: Uint8Array): boolean;
  /** What was written has left: there is room for more. */
  drained(): void;
  ended(error: InferenceError | null): void;
}

/** What calls need of the channel that carries them. */
export interface ExchangeOwner {
  readonly authority: string;
  readonly messageBytesMax: number;
  /** What calls end with since the channel was closed; null while it is open. */
  readonly closedError: InferenceError | null;
  /** Looks for a connection again, since no server has seen the call. */
  start(exchange: GrpcExchange): void;
  /** The call waits for no connection any more. */
  gaveUp(exchange: GrpcExchange): void;
}

/** How often a call is sent that no server takes. */
const attemptsMax = 5;
/** Node's timers know no longer time. */
const timerMsMax = 2 ** 31 - 1;

/** One call: waits for a connection, sends and receives messages, and ends once. */
export class GrpcExchange implements ResponseReader, InboxOwner, OutboxOwner {
  readonly retainedBytes = 0;
  readonly #fields: readonly EncodedField[];
  readonly #call: GrpcCall;
  readonly #owner: ExchangeOwner;
  readonly #sink: CallSink;
  readonly #outbox: MessageOutbox;
  readonly #inbox: MessageInbox;
  #stream: Http2Stream | null = null;
  #attempts = 0;
  #unary = false;
  #status = 0;
  #trailers: HeaderList | null = null;
  #timer: NodeJS.Timeout | null = null;
  #over = false;

  constructor(
    call: GrpcCall,
    fields: readonly EncodedField[],
    owner: ExchangeOwner,
    sink: CallSink,
  ) {
    this.#call = call;
    this.#fields = fields;
    this.#owner = owner;
    this.#sink = sink;
    const { compression, dataOffset = null, timeoutMs, signal } = call;
    const { messageBytesMax } = owner;
    this.#outbox = new MessageOutbox(compression, messageBytesMax, this);
    this.#inbox = new MessageInbox(messageBytesMax, dataOffset, this);
    if (timeoutMs !== null && timeoutMs <= timerMsMax) {
      this.#timer = setTimeout(() => this.cancel(timeoutError(timeoutMs)), timeoutMs);
    }
    signal?.addEventListener('abort', this.#abort);
  }

  get isOver(): boolean {
    return this.#over;
  }

  // ---- the caller

  /** Sends the only message of the call. */
  sendOnly(message: readonly Uint8Array[]): void {
    this.#unary = true;
    this.#outbox.writeOnly(message);
  }

  /** @returns Whether there is room for more; if not, the sink is told when there is. */
  write(message: readonly Uint8Array[]): boolean {
    return this.#over || this.#outbox.write(message);
  }

  /** Nothing more is sent. */
  finish(): void {
    if (!this.#over) this.#outbox.finish();
  }

  /** Messages are wanted again. */
  resume(): void {
    if (!this.#over) this.#inbox.resume();
  }

  cancel(error: InferenceError): void {
    if (this.#over) return;
    this.#stream?.reset(ErrorCode.cancel);
    this.#finish(error);
  }

  /** There is a connection with room. */
  begin(connection: Http2ClientConnection): void {
    this.#attempts++;
    this.#stream = connection.open(this.#fields, this);
    this.#outbox.attach(this.#stream);
  }

  readonly #abort = (): void => this.cancel(abortedError(this.#call.signal as AbortSignal));

  // ---- the server

  header(status: number, fields: HeaderList): void {
    this.#status = status;
    const encoding = headerValue(fields, 'grpc-encoding');
    if (encoding === 'gzip' || encoding === 'deflate') this.#inbox.encoding = encoding;
    // An answer without messages is all header.
    this.#trailers = fields;
    const error = notGrpc(this.#owner.authority, status, fields);
    if (error !== null) this.cancel(error);
  }

  trailers(fields: HeaderList): void {
    this.#trailers = fields;
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.#inbox.data(bytes, start, end);
  }

  target(byteLength: number): Buffer | null {
    return this.#inbox.target(byteLength);
  }

  end(): void {
    this.#inbox.end();
  }

  gone(loss: StreamLoss): void {
    if (this.#over) return;
    this.#stream = null;
    const { closedError } = this.#owner;
    // Nobody has looked at the call: RFC 9113 section 8.7.
    const unseen = loss.by === 'peer' && loss.code === ErrorCode.refusedStream;
    if (closedError !== null) this.#finish(closedError);
    else if (unseen && this.#unary && this.#status === 0 && this.#attempts < attemptsMax) {
      this.#owner.start(this);
    } else this.#finish(lossError(this.#owner.authority, loss));
  }

  drained(): void {
    this.#sink.drained();
  }

  sweep(): void {}

  // ---- messages

  message(bytes: Uint8Array): boolean {
    return this.#sink.message(bytes);
  }

  consumed(byteLength: number): void {
    this.#stream?.consumed(byteLength);
  }

  complete(): void {
    this.#finish(grpcOutcome(this.#status, this.#trailers));
  }

  failed(error: InferenceError): void {
    this.cancel(error);
  }

  #finish(error: InferenceError | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#inbox.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#call.signal?.removeEventListener('abort', this.#abort);
    if (this.#stream === null) this.#owner.gaveUp(this);
    this.#stream = null;
    this.#sink.ended(error);
  }
}
