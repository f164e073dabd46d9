import type { TransportClock, TransportTimer } from '../../clock.ts';
import { type HeaderList, headerValue } from '../../hpack/header-list.ts';
import type { EncodedField } from '../../hpack/hpack-encoder.ts';
import { http2Preface } from '../../protocol-choice.ts';
import { ErrorCode, Http2ConnectionError } from '../frame.ts';
import type { HeaderBlock } from '../header-blocks.ts';
import { areTrailers } from '../http2-head.ts';
import { type Http2Limits, http2LimitDefaults } from '../http2-limits.ts';
import { type Http2Role, Http2Session } from '../http2-session.ts';
import { Http2Stream, type StreamLoss, type StreamReader } from '../http2-stream.ts';
import { sendSettings } from '../settings.ts';
import { ClientLife, type ClientLifeOptions } from './client-life.ts';
import type { ClientCarrier, ClientSocketOwner } from './client-socket.ts';
import { RequestBlocks } from './request-blocks.ts';

/** Takes the answer to a request. One of `end` and `gone` comes last. Nothing of it may throw. */
export interface ResponseReader extends StreamReader {
  header(status: number, fields: HeaderList): void;
  trailers(fields: HeaderList): void;
}

/** Who makes connections. */
export interface ClientConnectionOwner {
  /** No stream can begin on it any more; those under way may end. */
  retired(connection: Http2ClientConnection): void;
  /** There may be room for another stream. */
  roomMade(connection: Http2ClientConnection): void;
  /** Called once, after its streams have been told. */
  closed(connection: Http2ClientConnection): void;
}

export interface ClientConnectionOptions extends ClientLifeOptions {
  readonly limits: Http2Limits;
  readonly clock: TransportClock;
  /** From the first look-up of the host's name to the first word of HTTP/2. */
  readonly connectTimeoutMs: number;
  /** How many streams the server took before, on another connection; null where it is not known. */
  readonly streamsMaxBefore: number | null;
}

/**
 * Bounds of what a server can make a client hold or do. Windows let a large answer come without waiting;
 * that of the connection never holds up one stream for another, which their own windows bound. Frames may
 * be as large as they get: payload is read to where it belongs, not held.
 */
export const clientLimits: Http2Limits = {
  ...http2LimitDefaults,
  headerListBytesMax: 64 * 1024,
  frameBytesMax: 2 ** 24 - 1,
  largeFrameBytesMax: 2 ** 24 - 1,
  streamWindowBytes: 16 * 1024 * 1024,
  connectionWindowBytes: 2 ** 31 - 1,
  requestBytesMax: Number.MAX_SAFE_INTEGER,
};

/** What a client may hope for before the server says how many streams it takes: RFC 9113 section 6.5.2. */
const streamsMaxUnknown = 100;
const streamIdMax = 2 ** 31 - 1;

/** A request and its answer, seen from the client. */
class ClientStream extends Http2Stream {
  override readonly reader: ResponseReader;
  responded = false;

  constructor(id: number, session: Http2Session, windowBytes: number, reader: ResponseReader) {
    super(id, session, windowBytes, session.sender.initialWindow);
    this.reader = reader;
    this.takesData = false;
  }
}

/** Speaks HTTP/2 on one connection, the client's side. RFC 9113. */
export class Http2ClientConnection implements Http2Role, ClientSocketOwner {
  readonly lastStreamId = 0;
  readonly #options: ClientConnectionOptions;
  readonly #owner: ClientConnectionOwner;
  readonly #socket: ClientCarrier;
  readonly #session: Http2Session;
  readonly #life: ClientLife;
  #connectTimer: TransportTimer | null;
  #nextStreamId = 1;
  /** Null before the server has said it. */
  #streamsMax: number | null = null;
  #retired = false;
  /** What the server said at the end. */
  #goaway: { readonly code: number; readonly text: string } | null = null;

  /** @param connect makes the socket, which tells its owner nothing before it returns. */
  constructor(
    connect: (owner: ClientSocketOwner) => ClientCarrier,
    options: ClientConnectionOptions,
    owner: ClientConnectionOwner,
  ) {
    const { clock, limits, connectTimeoutMs } = options;
    this.#options = options;
    this.#owner = owner;
    this.#socket = connect(this);
    this.#session = new Http2Session(this.#socket, this, {
      limits,
      nowNs: () => clock.nowNs(),
      encoder: new RequestBlocks(),
      // Behind all that runs because of the events at hand: their calls share a write.
      defer: process.nextTick,
    });
    this.#life = new ClientLife(options, clock, {
      ping: (payload) => this.#session.ping(payload),
      idle: () => this.shutdown(),
      dead: (error) => this.destroy(error),
      streamCount: () => this.streamCount,
    });
    this.#connectTimer = clock.setTimer(connectTimeoutMs, () => {
      this.destroy(new Error(`no HTTP/2 server answered within ${connectTimeoutMs} ms`));
    });
    const { output } = this.#session;
    output.bytes(http2Preface);
    sendSettings(output, limits, 'client');
    this.#session.greet();
  }

  get streamCount(): number {
    return this.#session.streams.size;
  }

  /** How many streams the server takes; null before it has said so. */
  get streamsMax(): number | null {
    return this.#streamsMax;
  }

  /** Whether a stream can begin now. */
  get hasRoom(): boolean {
    if (this.#retired || this.#session.over) return false;
    const before = this.#options.streamsMaxBefore ?? streamsMaxUnknown;
    return this.streamCount < (this.#streamsMax ?? before);
  }

  /** Sends a request's header. To be called only while it `hasRoom`. */
  open(fields: readonly EncodedField[], reader: ResponseReader): Http2Stream {
    const session = this.#session;
    const id = this.#nextStreamId;
    this.#nextStreamId = id + 2;
    const stream = new ClientStream(id, session, this.#options.limits.streamWindowBytes, reader);
    session.streams.add(stream);
    if (session.streams.size === 1) this.#socket.keepsProcess(true);
    this.#life.streamOpened();
    stream.header(fields, false);
    if (id + 2 > streamIdMax) this.#retire();
    return stream;
  }

  /** Lets streams finish and then closes. */
  shutdown(): void {
    this.#retire();
    if (this.streamCount === 0) this.#end();
  }

  /** Closes at once; its streams are told. */
  destroy(error: Error): void {
    this.#retire();
    this.#socket.destroy(error);
  }

  // ---- what the socket tells

  read(bytes: Buffer): void {
    this.#life.bytesRead();
    if (!this.#session.settingsSeen && bytes.toString('latin1', 0, 5) === 'HTTP/') {
      this.destroy(new Error('the server does not speak HTTP/2 here: it answered in HTTP/1'));
      return;
    }
    this.#session.read(bytes, 0);
    // The server has broken a rule, and the calls know: others need not wait for the socket to close.
    if (this.#session.over) this.#retire();
  }

  readTarget(): Buffer | null {
    return this.#session.readTarget();
  }

  drained(): void {
    this.#session.drained();
  }

  closed(error: Error | null): void {
    this.#retire();
    this.#connectTimer?.cancel();
    this.#life.end();
    this.#session.close(this.#loss(error));
    this.#owner.closed(this);
  }

  // ---- what the session tells

  isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId >= this.#nextStreamId;
  }

  onNewHeader({ streamId }: HeaderBlock): void {
    if (!this.isIdle(streamId)) this.#session.lateHeader(streamId);
    else throw new Http2ConnectionError(ErrorCode.protocolError, 'a stream of the server');
  }

  onStreamHeader(stream: Http2Stream, block: HeaderBlock, fields: HeaderList): void {
    const { reader, responded } = stream as ClientStream;
    if (fields.tooLarge) {
      const text = 'a header of the answer is larger than the limit';
      this.#session.reset(stream, ErrorCode.cancel);
      reader.gone({ code: ErrorCode.enhanceYourCalm, by: 'us', text });
    } else if (!responded) this.#onResponse(stream as ClientStream, block, fields);
    else if (!block.endStream || !areTrailers(fields)) this.#break(stream);
    else {
      reader.trailers(fields);
      this.#session.remoteEnd(stream);
    }
  }

  #onResponse(stream: ClientStream, { endStream }: HeaderBlock, fields: HeaderList): void {
    const status = headerValue(fields, ':status') ?? '';
    const interim = status.startsWith('1');
    if (!/^[1-5]\d\d$/.test(status) || (interim && endStream)) this.#break(stream);
    // Section 8.1.
    if (stream.closed || interim) return;
    stream.responded = true;
    stream.takesData = true;
    stream.reader.header(Number(status), fields);
    if (endStream && !stream.closed) this.#session.remoteEnd(stream);
  }

  /** A server that answers early need not be sent the rest: section 8.1. */
  onRemoteEnd(stream: Http2Stream): void {
    if (stream.localEnded && stream.heldBytes === 0) this.#session.finish(stream);
    else this.#session.reset(stream, ErrorCode.cancel);
    (stream as ClientStream).reader.end();
  }

  onLocalEnd(stream: Http2Stream): void {
    stream.reader?.drained();
  }

  onStreamsMax(count: number): void {
    this.#streamsMax = count;
  }

  onPushEnabled(enabled: boolean): void {
    if (!enabled) return;
    throw new Http2ConnectionError(ErrorCode.protocolError, 'a server that enables push');
  }

  onSettings(): void {
    if (this.#connectTimer !== null) {
      this.#connectTimer.cancel();
      this.#connectTimer = null;
    }
    // Whoever says nothing of it takes any number: section 6.5.2.
    this.#streamsMax ??= streamIdMax;
    this.#owner.roomMade(this);
  }

  onPing(bytes: Buffer, start: number): void {
    this.#session.answerPing(bytes, start);
  }

  onPingAnswer(): void {}

  /** In-flight streams up to `lastStreamId` may end; the others never reached anybody: section 6.8. */
  onGoaway(lastStreamId: number, code: number, text: string): void {
    this.#goaway = { code, text };
    this.#retire();
    const loss: StreamLoss = { code: ErrorCode.refusedStream, by: 'peer', text };
    for (const stream of this.#session.streams.all()) {
      if (stream.id > lastStreamId) this.#session.drop(stream, loss);
    }
    if (this.streamCount === 0) this.#end();
  }

  onPayloadSent(): void {
    this.#life.payloadSent();
  }

  onStreamClosed(): void {
    if (this.streamCount === 0) {
      this.#socket.keepsProcess(false);
      if (this.#retired) this.#end();
    }
    this.#owner.roomMade(this);
  }

  onDefect(error: unknown): void {
    // Thrown again where somebody sees it: this is a mistake of ours.
    process.nextTick(() => {
      throw error;
    });
  }

  #break(stream: Http2Stream): void {
    this.#session.breakStream(stream, ErrorCode.protocolError);
  }

  #retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#owner.retired(this);
  }

  #end(): void {
    if (!this.#session.over) this.#session.goaway(0, ErrorCode.noError, '');
    this.#session.output.flush();
    this.#socket.end();
  }

  #loss(error: Error | null): StreamLoss {
    const said = this.#goaway;
    const text = said === null || said.code === ErrorCode.noError ? '' : said.text;
    const cause = error ?? new Error('the connection was closed before the answer was whole');
    return { code: said?.code ?? ErrorCode.noError, by: 'connection', text, cause };
  }
}
