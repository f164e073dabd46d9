import type { ProtocolConnection } from '../connection-protocol.ts';
import type { HeaderList } from '../hpack/header-list.ts';
import { HpackDecoder, HpackError } from '../hpack/hpack-decoder.ts';
import { ClosedStreams, type StreamEnd } from './closed-streams.ts';
import { DataReceiver } from './data-receiver.ts';
import {
  ErrorCode,
  FrameFlag,
  FrameType,
  frameHeaderBytes,
  Http2ConnectionError,
  readUint31,
} from './frame.ts';
import { FrameOutput } from './frame-output.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { type HeaderBlock, HeaderBlocks } from './header-blocks.ts';
import type { Http2Limits } from './http2-limits.ts';
import type { Http2Stream, StreamLoss, StreamOwner } from './http2-stream.ts';
import { RateBudget } from './rate-budget.ts';
import { acknowledgeSettings, readSettings, sendFrameBytesMax } from './settings.ts';
import { type BlockEncoder, StreamSender } from './stream-sender.ts';
import { StreamTable } from './stream-table.ts';

/** What carries a session's bytes: the connection of either side. */
export type SessionCarrier = Omit<ProtocolConnection, 'limits' | 'writeText'>;

/** What only one side of a connection does. What it throws ends the connection. */
export interface Http2Role {
  /** Whether nobody has begun this stream yet. */
  isIdle(streamId: number): boolean;
  /** A header of an open stream; `fields` may be too large. */
  onStreamHeader(stream: Http2Stream, block: HeaderBlock, fields: HeaderList): void;
  /** A header of a stream that is not open. */
  onNewHeader(block: HeaderBlock, fields: HeaderList): void;
  /** The peer has ended a stream, and all that it promised has come. */
  onRemoteEnd(stream: Http2Stream): void;
  /** SETTINGS_MAX_CONCURRENT_STREAMS: how many streams we may have open. */
  onStreamsMax(count: number): void;
  /** SETTINGS_ENABLE_PUSH. */
  onPushEnabled(enabled: boolean): void;
  /** SETTINGS were read and acknowledged. */
  onSettings(): void;
  /** We have sent all of a stream. */
  onLocalEnd(stream: Http2Stream): void;
  onPing(bytes: Buffer, start: number): void;
  onPingAnswer(bytes: Buffer, start: number): void;
  onGoaway(lastStreamId: number, code: number, text: string): void;
  /** HEADERS or DATA were sent. */
  onPayloadSent(): void;
  onStreamClosed(stream: Http2Stream): void;
  /** Something was thrown that is no rule broken by the peer. */
  onDefect(error: unknown): void;
  /** The last stream that the peer began, for GOAWAY. */
  readonly lastStreamId: number;
}

export interface SessionOptions {
  readonly limits: Http2Limits;
  /** Monotonic. */
  readonly nowNs: () => number;
  readonly encoder: BlockEncoder;
  /** Runs what collects frames, when the events at hand are handled. */
  readonly defer: (flush: () => void) => void;
}

/** What may wait for a peer that does not read, before nothing more is read of it. */
const unsentBytesMax = 4 * 1024 * 1024;

/** To copy a frame of this size costs more than another read. */
const largeFrameBytes = 64 * 1024;

/** What is read of the reason that a GOAWAY gives. */
const goawayTextBytesMax = 256;

/** Frames other than HEADERS and DATA that one of those makes up for. */
const controlFramesPerPayload = 2;

/**
 * One HTTP/2 connection as both sides have it: frames in and out, header compression, flow control,
 * the states of streams, and bounds on all that. RFC 9113. What the sides do differently is their role's.
 */
export class Http2Session implements FrameSink, StreamOwner {
  readonly sender: StreamSender;
  readonly output: FrameOutput;
  readonly streams: StreamTable = new StreamTable();
  readonly #carrier: SessionCarrier;
  readonly #limits: Http2Limits;
  readonly #role: Http2Role;
  readonly #reader: FrameReader;
  readonly #decoder: HpackDecoder;
  readonly #blocks: HeaderBlocks;
  readonly #receiver: DataReceiver;
  readonly #resets: RateBudget;
  readonly #controlFrames: RateBudget;
  readonly #closedStreams = new ClosedStreams();
  readonly #nextHeader = Buffer.alloc(frameHeaderBytes);
  #settingsSeen = false;
  #over = false;

  constructor(carrier: SessionCarrier, role: Http2Role, options: SessionOptions) {
    const { limits, nowNs, encoder, defer } = options;
    this.#carrier = carrier;
    this.#limits = limits;
    this.#role = role;
    this.#reader = new FrameReader(this, limits.frameBytesMax, limits.headerBlockBytesMax);
    this.output = new FrameOutput(carrier, defer);
    // What a peer may have put there before it knew our limit.
    this.#decoder = new HpackDecoder(
      Math.max(4096, limits.headerTableBytesMax),
      limits.headerListBytesMax,
    );
    this.#blocks = new HeaderBlocks(limits);
    this.#resets = new RateBudget(limits.resetsPerSecondMax, nowNs);
    this.#controlFrames = new RateBudget(limits.controlFramesPerSecondMax, nowNs);
    this.#receiver = new DataReceiver(limits, this.output, this);
    this.sender = new StreamSender(this.output, encoder, () => this.#payloadSent());
  }

  /** Closed for good: nothing is read or sent any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Whether the peer's SETTINGS have come. */
  get settingsSeen(): boolean {
    return this.#settingsSeen;
  }

  get frames(): FrameReader {
    return this.#reader;
  }

  get blocks(): HeaderBlocks {
    return this.#blocks;
  }

  get remoteAddress(): string {
    return this.#carrier.remoteAddress;
  }

  get nowMs(): number {
    return this.#carrier.nowMs;
  }

  isOver(sinceMs: number, limitMs: number): boolean {
    return this.#carrier.isOver(sinceMs, limitMs);
  }

  // ---- bytes

  /** Opens the window of the whole connection. To be called once, behind SETTINGS. */
  greet(): void {
    this.#receiver.greet();
  }

  read(bytes: Buffer, start: number): void {
    if (this.#over) return;
    this.output.cork();
    try {
      this.#reader.read(bytes, start);
    } catch (error) {
      this.fail(error);
    }
    this.output.uncork();
    if (this.#carrier.unsentBytes > unsentBytesMax) this.#carrier.pause();
  }

  /** There is room in the carrier again. */
  drained(): void {
    if (this.#over) return;
    this.#carrier.resume();
    this.output.tellLeft();
    this.sender.pump();
  }

  /** Where the next bytes belong: payload of a large message; null where nobody knows. */
  readTarget(): Buffer | null {
    const { dataBytesLeft, endedDataBytes } = this.#reader;
    if (dataBytesLeft > 0) return this.#receiver.target(dataBytesLeft);
    if (endedDataBytes < largeFrameBytes) return null;
    // Between two large frames of one message, the header alone: the payload behind it has its place.
    const next = this.#receiver.target(endedDataBytes);
    return next !== null && next.length >= largeFrameBytes ? this.#nextHeader : null;
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
        this.#onReset(streamId, bytes, start, length);
        break;
      case FrameType.settings:
        this.#onSettings(flags, streamId, bytes, start, end);
        break;
      case FrameType.pushPromise:
        throw protocolError('PUSH_PROMISE that nobody wants');
      case FrameType.ping:
        this.#onPing(flags, streamId, bytes, start, length);
        break;
      case FrameType.goaway:
        this.#onGoaway(streamId, bytes, start, end);
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
    const stream = this.streams.get(streamId);
    if (stream === undefined) this.#lateData(streamId);
    else if (stream.remoteEnded) this.breakStream(stream, ErrorCode.streamClosed);
    else if (!stream.takesData) this.breakStream(stream, ErrorCode.protocolError);
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

  #onReset(streamId: number, bytes: Buffer, start: number, length: number): void {
    if (streamId === 0) throw protocolError('RST_STREAM of no stream');
    if (length !== 4) throw frameSizeError('RST_STREAM');
    if (this.#role.isIdle(streamId)) throw protocolError('RST_STREAM of an idle stream');
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    this.#spendReset();
    this.#forget(stream, 'reset-by-peer');
    stream.reader?.gone({ code: bytes.readUInt32BE(start), by: 'peer', text: '' });
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('SETTINGS of a stream');
    if ((flags & FrameFlag.ack) !== 0) {
      if (end > start) throw frameSizeError('SETTINGS with ACK');
      return;
    }
    readSettings(bytes, start, end, {
      headerTableBytes: (tableBytes) => this.sender.limitTable(tableBytes),
      streamsMax: (count) => this.#role.onStreamsMax(count),
      pushEnabled: (enabled) => this.#role.onPushEnabled(enabled),
      initialWindowBytes: (windowBytes) =>
        this.sender.resizeWindows(this.streams.all(), windowBytes),
      frameBytesMax: (frameBytes) => {
        this.sender.frameBytesMax = frameBytes;
      },
    });
    acknowledgeSettings(this.output);
    this.sender.pumpAll(this.streams.all());
    this.#role.onSettings();
  }

  #onPing(flags: number, streamId: number, bytes: Buffer, start: number, length: number): void {
    if (streamId !== 0) throw protocolError('PING of a stream');
    if (length !== 8) throw frameSizeError('PING');
    if ((flags & FrameFlag.ack) !== 0) this.#role.onPingAnswer(bytes, start);
    else this.#role.onPing(bytes, start);
  }

  #onGoaway(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw protocolError('GOAWAY of a stream');
    if (end - start < 8) throw frameSizeError('GOAWAY');
    const text = bytes.toString('latin1', start + 8, Math.min(end, start + 8 + goawayTextBytesMax));
    this.#role.onGoaway(readUint31(bytes, start), bytes.readUInt32BE(start + 4), text);
  }

  #onWindowUpdate(streamId: number, bytes: Buffer, start: number, length: number): void {
    if (length !== 4) throw frameSizeError('WINDOW_UPDATE');
    const byteLength = readUint31(bytes, start);
    if (streamId === 0) {
      if (byteLength === 0) throw protocolError('WINDOW_UPDATE of 0');
      this.sender.widenAll(byteLength);
      return;
    }
    if (this.#role.isIdle(streamId)) throw protocolError('WINDOW_UPDATE of an idle stream');
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    if (byteLength === 0) this.breakStream(stream, ErrorCode.protocolError);
    else if (!this.sender.widen(stream, byteLength)) {
      this.breakStream(stream, ErrorCode.flowControlError);
    }
  }

  #onHeader(block: HeaderBlock): void {
    this.#controlFrames.credit(controlFramesPerPayload);
    const { streamId, bytes, start, end } = block;
    // Even where nobody wants it: the table must follow the peer's.
    const fields = this.#decoder.decode(bytes, start, end);
    const stream = this.streams.get(streamId);
    if (stream === undefined) this.#role.onNewHeader(block, fields);
    else if (stream.remoteEnded) this.breakStream(stream, ErrorCode.streamClosed);
    else this.#role.onStreamHeader(stream, block, fields);
  }

  /** A header of a stream that was closed before. Section 5.1, "closed". */
  lateHeader(streamId: number): void {
    const end = this.#closedStreams.find(streamId);
    if (end === 'reset-by-us') return;
    if (end === 'reset-by-peer') {
      this.refuse(streamId, ErrorCode.streamClosed);
      return;
    }
    if (end === 'ended') {
      throw new Http2ConnectionError(ErrorCode.streamClosed, 'a header of a closed stream');
    }
    throw protocolError('a stream with a number that is too small');
  }

  /** DATA of no open stream. */
  #lateData(streamId: number): void {
    if (this.#role.isIdle(streamId)) throw protocolError('DATA of an idle stream');
    if (this.#closedStreams.find(streamId) === 'reset-by-us') return;
    this.refuse(streamId, ErrorCode.streamClosed);
  }

  /** The peer has sent all that it will send on a stream. */
  remoteEnd(stream: Http2Stream): void {
    if (stream.promisedBytes > 0) {
      this.breakStream(stream, ErrorCode.protocolError);
      return;
    }
    stream.remoteEnded = true;
    this.#receiver.completed(stream);
    this.#role.onRemoteEnd(stream);
  }

  /** RFC 9113 section 6.5: settings may change at any time. */
  largeMessage(): void {
    const { frameBytesMax, largeFrameBytesMax } = this.#limits;
    if (largeFrameBytesMax === frameBytesMax) return;
    this.#reader.frameBytesMax = largeFrameBytesMax;
    sendFrameBytesMax(this.output, largeFrameBytesMax);
    this.output.commit();
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

  localEnd(stream: Http2Stream): void {
    this.#role.onLocalEnd(stream);
  }

  #payloadSent(): void {
    this.#role.onPayloadSent();
    this.#controlFrames.credit(controlFramesPerPayload);
  }

  // ---- control

  ping(payload: Buffer): void {
    this.output.frame(FrameType.ping, 0, 0, 8);
    this.output.bytes(payload);
    this.output.commit();
  }

  answerPing(bytes: Buffer, start: number): void {
    this.output.frame(FrameType.ping, FrameFlag.ack, 0, 8);
    this.output.bytes(bytes.subarray(start, start + 8));
    this.output.commit();
  }

  goaway(lastStreamId: number, code: number, text: string): void {
    this.output.frame(FrameType.goaway, 0, 0, 8 + text.length);
    this.output.uint32(lastStreamId);
    this.output.uint32(code);
    this.output.bytes(Buffer.from(text, 'latin1'));
    this.output.commit();
  }

  // ---- ends

  /** The peer has broken a rule on this stream. */
  breakStream(stream: Http2Stream, code: number): void {
    this.#spendReset();
    this.reset(stream, code);
    stream.reader?.gone({ code, by: 'us', text: '' });
  }

  /** As `breakStream`, for a stream that is not open. */
  refuse(streamId: number, code: number): void {
    this.#spendReset();
    this.#sendReset(streamId, code);
    this.#closedStreams.add(streamId, 'reset-by-us');
  }

  /** Turns a stream away that breaks no rule. */
  turnAway(streamId: number): void {
    this.#sendReset(streamId, ErrorCode.refusedStream);
  }

  #resetId(streamId: number, code: number): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) this.refuse(streamId, code);
    else this.breakStream(stream, code);
  }

  /** Streams that come to nothing cost us more than the peer. */
  #spendReset(): void {
    if (this.#resets.spend()) return;
    throw new Http2ConnectionError(ErrorCode.enhanceYourCalm, 'too many streams reset');
  }

  #sendReset(streamId: number, code: number): void {
    this.output.frame(FrameType.rstStream, 0, streamId, 4);
    this.output.uint32(code);
    this.output.commit();
  }

  #forget(stream: Http2Stream, end: StreamEnd): void {
    stream.closed = true;
    this.streams.delete(stream);
    this.#closedStreams.add(stream.id, end);
    this.sender.forget(stream);
    this.#receiver.forget(stream);
    this.#role.onStreamClosed(stream);
  }

  /** Ends the connection with GOAWAY: what was thrown while it was read, or in its role. */
  fail(error: unknown): void {
    if (this.#over) return;
    const known = error instanceof Http2ConnectionError;
    const broken = error instanceof HpackError;
    const code = known ? error.code : broken ? ErrorCode.compressionError : ErrorCode.internalError;
    const text = known || broken ? error.message : '';
    if (!known && !broken) this.#role.onDefect(error);
    this.goaway(this.#role.lastStreamId, code, text);
    this.output.flush();
    this.close({ code, by: 'us', text });
    this.#carrier.end();
  }

  /** Forgets a stream that the peer has forgotten. */
  drop(stream: Http2Stream, loss: StreamLoss): void {
    this.#forget(stream, 'reset-by-us');
    stream.reader?.gone(loss);
  }

  /** Forgets everything: nothing is read or sent any more. */
  close(loss: StreamLoss): void {
    if (this.#over) return;
    this.#over = true;
    const streams = this.streams.all();
    this.streams.clear();
    for (const stream of streams) {
      stream.closed = true;
      this.sender.forget(stream);
      stream.reader?.gone(loss);
    }
  }
}

function protocolError(what: string): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.protocolError, what);
}

function frameSizeError(what: string): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.frameSizeError, `${what} of a wrong length`);
}
