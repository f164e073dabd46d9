import type { TransportClock } from '../clock.ts';
import type { ConnectionProtocol, ProtocolConnection } from '../connection-protocol.ts';
import type { HeaderList } from '../hpack/header-list.ts';
import { HpackDecoder, HpackError } from '../hpack/hpack-decoder.ts';
import { encodeHeaderBlock } from '../hpack/hpack-encoder.ts';
import { http2Preface } from '../protocol-choice.ts';
import { ClosedStreams, type StreamEnd } from './closed-streams.ts';
import { ConnectionLife } from './connection-life.ts';
import { DataReceiver } from './data-receiver.ts';
import { ErrorCode, FrameFlag, FrameType, Http2ConnectionError, readUint31 } from './frame.ts';
import { FrameOutput } from './frame-output.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { FrameWait } from './frame-wait.ts';
import { type HeaderBlock, HeaderBlocks } from './header-blocks.ts';
import { areTrailers, type Http2Head, readHead } from './http2-head.ts';
import type { Http2Limits } from './http2-limits.ts';
import { Http2Stream, type StreamOwner, type StreamReader } from './http2-stream.ts';
import { type Http2Keepalive, PingStrikes } from './keepalive.ts';
import { RateBudget } from './rate-budget.ts';
import { acknowledgeSettings, readSettings, sendSettings } from './settings.ts';
import { StreamSender } from './stream-sender.ts';

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

/** What may wait for a client that does not read, before nothing more is read of it. */
const unsentBytesMax = 4 * 1024 * 1024;

/** Frames other than HEADERS and DATA that one of those makes up for. */
const controlFramesPerPayload = 2;

const tooLargeAnswer = encodeHeaderBlock([[':status', '431']]);

/** Speaks HTTP/2 on one connection, the server's side. RFC 9113. */
export class Http2Connection implements ConnectionProtocol, FrameSink, StreamOwner {
  readonly sender: StreamSender;
  readonly #connection: ProtocolConnection;
  readonly #context: Http2Context;
  readonly #limits: Http2Limits;
  readonly #reader: FrameReader;
  readonly #output: FrameOutput;
  readonly #decoder: HpackDecoder;
  readonly #blocks: HeaderBlocks;
  readonly #receiver: DataReceiver;
  readonly #life: ConnectionLife;
  readonly #wait: FrameWait;
  readonly #strikes: PingStrikes | null;
  readonly #resets: RateBudget;
  readonly #controlFrames: RateBudget;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #closedStreams = new ClosedStreams();
  #lastStreamId = 0;
  #prefaceSeen = false;
  #settingsSeen = false;
  #over = false;
  constructor(connection: ProtocolConnection, context: Http2Context) {
    const { limits, clock, keepalive } = context;
    const nowNs = (): number => clock.nowNs();
    this.#connection = connection;
    this.#context = context;
    this.#limits = limits;
    this.#reader = new FrameReader(this, limits.frameBytesMax);
    this.#output = new FrameOutput(connection);
    // What a client may have put there before it knew our limit.
    this.#decoder = new HpackDecoder(
      Math.max(4096, limits.headerTableBytesMax),
      limits.headerListBytesMax,
    );
    this.#blocks = new HeaderBlocks(limits);
    this.#life = new ConnectionLife(connection, this.#output, this, limits, keepalive);
    this.#strikes = keepalive === null ? null : new PingStrikes(keepalive);
    this.#resets = new RateBudget(limits.resetsPerSecondMax, nowNs);
    this.#controlFrames = new RateBudget(limits.controlFramesPerSecondMax, nowNs);
    this.#receiver = new DataReceiver(limits, this.#output, this);
    this.#wait = new FrameWait(this.#reader, this.#blocks, connection.nowMs);
    this.sender = new StreamSender(this.#output, () => this.#payloadSent());
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  get lastStreamId(): number {
    return this.#lastStreamId;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  get nowMs(): number {
    return this.#connection.nowMs;
  }

  isOver(sinceMs: number, limitMs: number): boolean {
    return this.#connection.isOver(sinceMs, limitMs);
  }

  // ---- what the connection tells

  read(bytes: Buffer): void {
    if (this.#over) return;
    this.#life.bytesRead();
    this.#output.cork();
    try {
      let start = 0;
      if (!this.#prefaceSeen) {
        this.#prefaceSeen = true;
        sendSettings(this.#output, this.#limits);
        this.#receiver.greet();
        start = http2Preface.length;
        if (!http2Preface.equals(bytes.subarray(0, start))) throw protocolError('no preface');
      }
      this.#reader.read(bytes, start);
    } catch (error) {
      this.#fail(error);
    }
    this.#wait.note(this.#connection.nowMs);
    this.#output.uncork();
    if (this.#connection.unsentBytes > unsentBytesMax) this.#connection.pause();
  }

  /** Frames stand between the data. */
  readTarget(): null {
    return null;
  }

  readInPlace(): void {}

  readEnd(): void {
    // Nobody opens half a connection again: the client counts as gone.
    this.#close();
    this.#connection.end();
  }

  drained(): void {
    if (this.#over) return;
    this.#connection.resume();
    this.sender.pump();
  }

  closed(): void {
    this.#close();
  }

  sweep(): void {
    if (this.#over) return;
    const { sinceMs } = this.#wait;
    if (sinceMs !== null && this.isOver(sinceMs, this.#connection.limits.headerTimeoutMs)) {
      this.#connection.destroy();
      return;
    }
    this.#life.sweep();
    for (const stream of this.#streams.values()) stream.reader?.sweep();
  }

  shutdown(): void {
    if (this.#over) return;
    this.#life.shutdown();
  }

  // ---- frames

  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    this.#checkOrder(type, flags);
    if (type === FrameType.headers || type === FrameType.continuation) {
      if (streamId === 0) throw protocolError('a header of no stream');
      const block =
        type === FrameType.headers
          ? this.#blocks.headers(flags, streamId, bytes, start, end)
          : this.#blocks.continuation(flags, streamId, bytes, start, end);
      if (block !== null) this.#onHeader(block);
      return;
    }
    if (!this.#controlFrames.spend()) {
      throw new Http2ConnectionError(ErrorCode.enhanceYourCalm, 'too many control frames');
    }
    const length = end - start;
    switch (type) {
      case FrameType.priority:
        this.#onPriority(streamId, bytes, start, length);
        break;
      case FrameType.rstStream:
        this.#onReset(streamId, length);
        break;
      case FrameType.settings:
        this.#onSettings(flags, streamId, bytes, start, end);
        break;
      case FrameType.pushPromise:
        throw protocolError('PUSH_PROMISE of a client');
      case FrameType.ping:
        this.#onPing(flags, streamId, bytes, start, length);
        break;
      case FrameType.goaway:
        if (streamId !== 0) throw protocolError('GOAWAY of a stream');
        if (length < 8) throw frameSizeError('GOAWAY');
        break;
      case FrameType.windowUpdate:
        this.#onWindowUpdate(streamId, bytes, start, length);
        break;
      default:
      // Section 4.1: unknown types are ignored.
    }
  }

  onDataStart(streamId: number, flags: number, flowBytes: number): void {
    this.#checkOrder(FrameType.data, flags);
    if (streamId === 0) throw protocolError('DATA of no stream');
    this.#controlFrames.credit(controlFramesPerPayload);
    this.#receiver.start(flowBytes, (flags & FrameFlag.endStream) !== 0);
    const stream = this.#streams.get(streamId);
    if (stream === undefined) this.#lateFrame(streamId);
    else if (stream.remoteEnded) this.breakStream(stream, ErrorCode.streamClosed);
    else this.#receiver.take(stream);
  }

  onDataPiece(bytes: Buffer, start: number, end: number, last: boolean): void {
    this.#receiver.piece(bytes, start, end, last);
  }

  /** Section 3.4: SETTINGS first; section 6.10: a header in one go. */
  #checkOrder(type: number, flags: number): void {
    if (!this.#settingsSeen) {
      if (type !== FrameType.settings || (flags & FrameFlag.ack) !== 0) {
        throw protocolError('a connection that does not begin with SETTINGS');
      }
      this.#settingsSeen = true;
    }
    if (this.#blocks.begun && type !== FrameType.continuation) {
      throw protocolError('a header that is interrupted');
    }
  }

  #onPriority(streamId: number, bytes: Buffer, start: number, length: number): void {
    if (streamId === 0) throw protocolError('PRIORITY of no stream');
    if (length !== 5) this.#resetId(streamId, ErrorCode.frameSizeError);
    else if (readUint31(bytes, start) === streamId) {
      this.#resetId(streamId, ErrorCode.protocolError);
    }
  }

  #onReset(streamId: number, length: number): void {
    if (streamId === 0) throw protocolError('RST_STREAM of no stream');
    if (length !== 4) throw frameSizeError('RST_STREAM');
    if (this.#isIdle(streamId)) throw protocolError('RST_STREAM of an idle stream');
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    this.#spendReset();
    this.#forget(stream, 'reset-by-client');
    stream.reader?.gone();
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('SETTINGS of a stream');
    if ((flags & FrameFlag.ack) !== 0) {
      if (end > start) throw frameSizeError('SETTINGS with ACK');
      return;
    }
    readSettings(bytes, start, end, {
      headerTableBytes: (tableBytes) => this.sender.limitTable(tableBytes),
      initialWindowBytes: (windowBytes) =>
        this.sender.resizeWindows(this.#streams.values(), windowBytes),
      frameBytesMax: (frameBytes) => {
        this.sender.frameBytesMax = frameBytes;
      },
    });
    acknowledgeSettings(this.#output);
    this.sender.pumpAll(this.#streams.values());
  }

  #onPing(flags: number, streamId: number, bytes: Buffer, start: number, length: number): void {
    if (streamId !== 0) throw protocolError('PING of a stream');
    if (length !== 8) throw frameSizeError('PING');
    if ((flags & FrameFlag.ack) !== 0) {
      this.#life.pingAnswered(bytes, start);
      return;
    }
    const hasCalls = this.#streams.size > 0;
    if (this.#strikes?.received(this.#context.clock.nowNs(), hasCalls) === false) {
      throw new Http2ConnectionError(ErrorCode.enhanceYourCalm, 'too_many_pings');
    }
    this.#life.answerPing(bytes, start);
  }

  #onWindowUpdate(streamId: number, bytes: Buffer, start: number, length: number): void {
    if (length !== 4) throw frameSizeError('WINDOW_UPDATE');
    const byteLength = readUint31(bytes, start);
    if (streamId === 0) {
      if (byteLength === 0) throw protocolError('WINDOW_UPDATE of 0');
      this.sender.widenAll(byteLength);
      return;
    }
    if (this.#isIdle(streamId)) throw protocolError('WINDOW_UPDATE of an idle stream');
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (byteLength === 0) this.breakStream(stream, ErrorCode.protocolError);
    else if (!this.sender.widen(stream, byteLength)) {
      this.breakStream(stream, ErrorCode.flowControlError);
    }
  }

  #onHeader(block: HeaderBlock): void {
    this.#controlFrames.credit(controlFramesPerPayload);
    const { streamId, bytes, start, end } = block;
    // Even where nobody wants it: the table must follow the client's.
    const fields = this.#decoder.decode(bytes, start, end);
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) this.#onTrailers(stream, block, fields);
    else if ((streamId & 1) === 0) throw protocolError('a stream with an even number');
    else if (streamId > this.#lastStreamId) this.#onRequest(block, fields);
    else this.#onLateHeader(streamId);
  }

  #onRequest(block: HeaderBlock, fields: HeaderList): void {
    const { streamId, endStream } = block;
    if (this.#life.refusesStreams) {
      this.#sendReset(streamId, ErrorCode.refusedStream);
      return;
    }
    this.#lastStreamId = streamId;
    if (this.#streams.size >= this.#limits.streamsMax) {
      this.#refuse(streamId, ErrorCode.refusedStream);
      return;
    }
    const head = fields.tooLarge ? null : readHead(fields);
    const malformed =
      block.dependsOnItself ||
      (head === null ? !fields.tooLarge : endStream && head.contentLength > 0);
    if (malformed) {
      this.#refuse(streamId, ErrorCode.protocolError);
      return;
    }
    const { streamWindowBytes } = this.#limits;
    const stream = new Http2Stream(streamId, this, streamWindowBytes, this.sender.initialWindow);
    this.#streams.set(streamId, stream);
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

  #onTrailers(stream: Http2Stream, block: HeaderBlock, fields: HeaderList): void {
    if (stream.remoteEnded) this.breakStream(stream, ErrorCode.streamClosed);
    else if (!block.endStream || block.dependsOnItself || fields.tooLarge || !areTrailers(fields)) {
      this.breakStream(stream, ErrorCode.protocolError);
    } else this.remoteEnd(stream);
  }

  /** Section 5.1, "closed". */
  #onLateHeader(streamId: number): void {
    const end = this.#closedStreams.find(streamId);
    if (end === 'reset-by-us') return;
    if (end === 'reset-by-client') {
      this.#refuse(streamId, ErrorCode.streamClosed);
      return;
    }
    if (end === 'ended') {
      throw new Http2ConnectionError(ErrorCode.streamClosed, 'a header of a closed stream');
    }
    throw protocolError('a stream with a number that is too small');
  }

  /** DATA of no open stream. */
  #lateFrame(streamId: number): void {
    if (this.#isIdle(streamId)) throw protocolError('DATA of an idle stream');
    if (this.#closedStreams.find(streamId) === 'reset-by-us') return;
    this.#refuse(streamId, ErrorCode.streamClosed);
  }

  /** The request is complete. */
  remoteEnd(stream: Http2Stream): void {
    if (stream.promisedBytes > 0) {
      this.breakStream(stream, ErrorCode.protocolError);
      return;
    }
    stream.remoteEnded = true;
    this.#receiver.completed(stream);
    stream.reader!.end();
  }

  #isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId > this.#lastStreamId;
  }

  // ---- what streams ask for

  giveBack(stream: Http2Stream, byteLength: number): void {
    this.#receiver.giveBack(stream, byteLength);
  }

  reset(stream: Http2Stream, code: number): void {
    this.#sendReset(stream.id, code);
    this.#forget(stream, 'reset-by-us');
  }

  finish(stream: Http2Stream): void {
    this.#forget(stream, 'ended');
  }

  #payloadSent(): void {
    this.#strikes?.payloadSent();
    this.#life.payloadSent();
    this.#controlFrames.credit(controlFramesPerPayload);
  }

  // ---- ends

  /** The client has broken a rule on this stream. */
  breakStream(stream: Http2Stream, code: number): void {
    this.#spendReset();
    this.reset(stream, code);
    stream.reader?.gone();
  }

  /** As `breakStream`, for a stream that is not open. */
  #refuse(streamId: number, code: number): void {
    this.#spendReset();
    this.#sendReset(streamId, code);
    this.#closedStreams.add(streamId, 'reset-by-us');
  }

  #resetId(streamId: number, code: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) this.#refuse(streamId, code);
    else this.breakStream(stream, code);
  }

  /** Streams that come to nothing cost the server more than the client. */
  #spendReset(): void {
    if (this.#resets.spend()) return;
    throw new Http2ConnectionError(ErrorCode.enhanceYourCalm, 'too many streams reset');
  }

  #sendReset(streamId: number, code: number): void {
    this.#output.frame(FrameType.rstStream, 0, streamId, 4);
    this.#output.uint32(code);
    this.#output.commit();
  }

  #forget(stream: Http2Stream, end: StreamEnd): void {
    stream.closed = true;
    this.#streams.delete(stream.id);
    this.#closedStreams.add(stream.id, end);
    this.sender.forget(stream);
    this.#receiver.forget(stream);
    this.#life.streamClosed();
  }

  #fail(error: unknown): void {
    const known = error instanceof Http2ConnectionError;
    const broken = error instanceof HpackError;
    if (!known && !broken) this.#context.handlerFailed(error);
    const code = known ? error.code : broken ? ErrorCode.compressionError : ErrorCode.internalError;
    const text = known || broken ? error.message : '';
    this.#life.goaway(this.#lastStreamId, code, text);
    this.#output.flush();
    this.#close();
    this.#connection.end();
  }

  #close(): void {
    if (this.#over) return;
    this.#over = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) {
      stream.closed = true;
      this.sender.forget(stream);
      stream.reader?.gone();
    }
  }
}

function protocolError(what: string): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.protocolError, what);
}

function frameSizeError(what: string): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.frameSizeError, `${what} of a wrong length`);
}
