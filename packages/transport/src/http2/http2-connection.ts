import type { TransportClock } from '../clock.ts';
import type { ConnectionProtocol, ProtocolConnection } from '../connection-protocol.ts';
import type { HeaderList } from '../hpack/header-list.ts';
import { encodeHeaderBlock } from '../hpack/hpack-encoder.ts';
import { http2Preface } from '../protocol-choice.ts';
import { ConnectionLife } from './connection-life.ts';
import { ErrorCode, Http2ConnectionError } from './frame.ts';
import { FrameWait } from './frame-wait.ts';
import type { HeaderBlock } from './header-blocks.ts';
import { areTrailers, type Http2Head, readHead } from './http2-head.ts';
import type { Http2Limits } from './http2-limits.ts';
import { type Http2Role, Http2Session } from './http2-session.ts';
import { Http2Stream, type StreamReader } from './http2-stream.ts';
import { type Http2Keepalive, PingStrikes } from './keepalive.ts';
import { sendSettings } from './settings.ts';
import { SharedBlocks } from './shared-blocks.ts';

/** What all connections of a server share. */
export interface Http2Context {
  readonly limits: Http2Limits;
  readonly keepalive: Http2Keepalive | null;
  readonly clock: TransportClock;
  /** Takes a request; may answer at once. What it throws breaks the stream off. */
  open(stream: Http2Stream, head: Http2Head): StreamReader;
  /** Told what handlers throw. */
  readonly handlerFailed: (error: unknown) => void;
}

const tooLargeAnswer = encodeHeaderBlock([[':status', '431']]);
const lost = { code: ErrorCode.noError, by: 'connection', text: '' } as const;

/** Speaks HTTP/2 on one connection, the server's side. RFC 9113. */
export class Http2Connection implements ConnectionProtocol, Http2Role {
  readonly #connection: ProtocolConnection;
  readonly #context: Http2Context;
  readonly #session: Http2Session;
  readonly #life: ConnectionLife;
  readonly #wait: FrameWait;
  readonly #strikes: PingStrikes | null;
  #lastStreamId = 0;
  #prefaceSeen = false;
  /** Where the bytes that come next are read to; null where they come by `read`. */
  #target: Buffer | null = null;

  constructor(connection: ProtocolConnection, context: Http2Context) {
    const { limits, clock, keepalive } = context;
    this.#connection = connection;
    this.#context = context;
    this.#session = new Http2Session(connection, this, {
      limits,
      nowNs: () => clock.nowNs(),
      encoder: new SharedBlocks(),
      defer: setImmediate,
    });
    this.#life = new ConnectionLife(connection, this.#session, this, limits, keepalive);
    this.#strikes = keepalive === null ? null : new PingStrikes(keepalive);
    this.#wait = new FrameWait(this.#session.frames, this.#session.blocks, connection.nowMs);
  }

  get streamCount(): number {
    return this.#session.streams.size;
  }

  get lastStreamId(): number {
    return this.#lastStreamId;
  }

  // ---- what the connection tells

  read(bytes: Buffer): void {
    const session = this.#session;
    if (session.over) return;
    this.#life.bytesRead();
    if (this.#prefaceSeen) session.read(bytes, 0);
    else this.#readPreface(bytes);
    this.#wait.note(this.#connection.nowMs);
  }

  #readPreface(bytes: Buffer): void {
    const session = this.#session;
    this.#prefaceSeen = true;
    session.output.cork();
    sendSettings(session.output, this.#context.limits, 'server');
    session.greet();
    const { length } = http2Preface;
    if (http2Preface.equals(bytes.subarray(0, length))) session.read(bytes, length);
    else session.fail(protocolError('no preface'));
  }

  /** Clients that make frames as large as they may, as gRPC's do, have their messages read in place. */
  readTarget(): Buffer | null {
    this.#target = this.#session.over ? null : this.#session.readTarget();
    return this.#target;
  }

  readInPlace(byteLength: number): void {
    const target = this.#target;
    this.#target = null;
    if (target !== null) this.read(target.subarray(0, byteLength));
  }

  readEnd(): void {
    // Nobody opens half a connection again: the client counts as gone.
    this.#session.close(lost);
    this.#connection.end();
  }

  drained(): void {
    this.#session.drained();
  }

  closed(): void {
    this.#session.close(lost);
  }

  sweep(): void {
    if (this.#session.over) return;
    const { sinceMs } = this.#wait;
    const { headerTimeoutMs } = this.#connection.limits;
    if (sinceMs !== null && this.#connection.isOver(sinceMs, headerTimeoutMs)) {
      this.#connection.destroy();
      return;
    }
    this.#life.sweep();
    for (const stream of this.#session.streams.all()) {
      if (!stream.closed) stream.reader?.sweep();
    }
  }

  shutdown(): void {
    if (!this.#session.over) this.#life.shutdown();
  }

  // ---- what the session tells

  isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId > this.#lastStreamId;
  }

  onNewHeader(block: HeaderBlock, fields: HeaderList): void {
    const { streamId } = block;
    if ((streamId & 1) === 0) throw protocolError('a stream with an even number');
    if (streamId > this.#lastStreamId) this.#onRequest(block, fields);
    else this.#session.lateHeader(streamId);
  }

  #onRequest(block: HeaderBlock, fields: HeaderList): void {
    const { streamId, endStream } = block;
    const session = this.#session;
    const { limits } = this.#context;
    if (this.#life.refusesStreams) {
      session.turnAway(streamId);
      return;
    }
    this.#lastStreamId = streamId;
    if (session.streams.size >= limits.streamsMax) {
      session.refuse(streamId, ErrorCode.refusedStream);
      return;
    }
    const head = fields.tooLarge ? null : readHead(fields);
    const malformed =
      block.dependsOnItself ||
      (head === null ? !fields.tooLarge : endStream && head.contentLength > 0);
    if (malformed) {
      session.refuse(streamId, ErrorCode.protocolError);
      return;
    }
    const { streamWindowBytes } = limits;
    const stream = new Http2Stream(
      streamId,
      session,
      streamWindowBytes,
      session.sender.initialWindow,
    );
    session.streams.add(stream);
    if (head === null) {
      stream.remoteEnded = endStream;
      stream.header(tooLargeAnswer, true);
      return;
    }
    stream.remoteEnded = endStream;
    if (!endStream) stream.promisedBytes = head.contentLength;
    try {
      stream.reader = this.#context.open(stream, head);
    } catch (error) {
      this.#context.handlerFailed(error);
      stream.reset(ErrorCode.internalError);
    }
    if (endStream && !stream.closed) stream.reader!.end();
  }

  /** Only trailers can follow a request's header. */
  onStreamHeader(stream: Http2Stream, block: HeaderBlock, fields: HeaderList): void {
    const valid = block.endStream && !block.dependsOnItself && !fields.tooLarge;
    if (valid && areTrailers(fields)) this.#session.remoteEnd(stream);
    else this.#session.breakStream(stream, ErrorCode.protocolError);
  }

  onRemoteEnd(stream: Http2Stream): void {
    stream.reader!.end();
  }

  /** A stream that is answered early ends: the client need not send the rest. RFC 9113 section 8.1. */
  onLocalEnd(stream: Http2Stream): void {
    if (stream.remoteEnded) this.#session.finish(stream);
    else this.#session.reset(stream, ErrorCode.noError);
  }

  /** These limit a server that pushes. */
  onStreamsMax(): void {}

  onPushEnabled(): void {}

  onSettings(): void {}

  onPing(bytes: Buffer, start: number): void {
    const { clock } = this.#context;
    if (this.#strikes?.received(clock.nowNs(), this.streamCount > 0) === false) {
      throw new Http2ConnectionError(ErrorCode.enhanceYourCalm, 'too_many_pings');
    }
    this.#session.answerPing(bytes, start);
  }

  onPingAnswer(bytes: Buffer, start: number): void {
    this.#life.pingAnswered(bytes, start);
  }

  /** The client begins no more streams, and a server none. */
  onGoaway(): void {}

  onPayloadSent(): void {
    this.#strikes?.payloadSent();
    this.#life.payloadSent();
  }

  onStreamClosed(): void {
    this.#life.streamClosed();
  }

  onDefect(error: unknown): void {
    this.#context.handlerFailed(error);
  }
}

function protocolError(what: string): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.protocolError, what);
}
