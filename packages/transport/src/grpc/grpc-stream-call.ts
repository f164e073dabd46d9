import { PieceList } from '../http1/piece-list.ts';
import { ErrorCode } from '../http2/frame.ts';
import type { CallStream } from './call-stream.ts';
import type {
  GrpcMetadataEntry,
  GrpcStream,
  GrpcStreamMethod,
  GrpcStreamReader,
} from './grpc-handler.ts';
import type { GrpcHead } from './grpc-head.ts';
import { type GrpcContext, GrpcServerCall } from './grpc-server-call.ts';
import { GrpcStatus } from './grpc-status.ts';

const noMetadata: readonly GrpcMetadataEntry[] = [];

/** A call with any number of messages in either direction. */
export class GrpcStreamCall extends GrpcServerCall {
  readonly #responses: GrpcStream;
  #reader: GrpcStreamReader | null = null;
  #paused = false;
  #halfClosed = false;
  #halfCloseTold = false;
  #reading = false;
  /** Bytes that came while paused: of these the client has no window back. */
  #waiting: Buffer | null = null;
  #waitingAt = 0;
  #later = new PieceList();
  #waiters: (() => void)[] = [];

  constructor(context: GrpcContext, stream: CallStream, head: GrpcHead, method: GrpcStreamMethod) {
    super(context, stream, head, method.alignedOffset ?? null);
    this.#responses = new CallResponses(this);
    this.guard(() => {
      this.#reader = method.open(this, this.#responses);
    });
  }

  // ---- the client

  data(bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) {
      this.stream.consumed(end - start);
      return;
    }
    if (this.#mustWait || this.#waiting !== null || this.#reading) {
      this.#later.add(bytes, start, end);
      return;
    }
    this.#reading = true;
    const at = this.messages.read(bytes, start, end);
    this.#reading = false;
    this.stream.consumed(at - start);
    if (at < end) {
      this.#waiting = bytes.subarray(at, end);
      this.#waitingAt = 0;
    }
    this.#goOn();
  }

  override target(byteLength: number): Buffer | null {
    // What waits is read later, and what comes behind it must wait as well.
    const waits = this.#waiting !== null || this.#later.byteLength > 0;
    return this.#isOver || this.#mustWait || waits ? null : super.target(byteLength);
  }

  end(): void {
    this.#halfClosed = true;
    this.#goOn();
  }

  drained(): void {
    if (this.stream.heldBytes > 0) return;
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  /** Streams may be quiet for as long as they like: keepalive finds out whether the client is there. */
  sweep(): void {}

  protected take(message: Buffer): boolean {
    this.guard(() => this.#reader?.onMessage(message));
    return !this.#mustWait && !this.#isOver;
  }

  protected inflated(): void {
    // Inside `read`, which goes on by itself.
    if (!this.#reading) this.#goOn();
  }

  protected override settled(): void {
    super.settled();
    this.#waiting = null;
    this.#later = new PieceList();
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  get #isOver(): boolean {
    return this.cancelled || this.answer.ended;
  }

  get #mustWait(): boolean {
    return this.#paused || this.inflating;
  }

  /** Hands over what has waited, as far as it may come now. */
  #goOn(): void {
    if (this.#reading) return;
    this.#reading = true;
    while (!this.#mustWait && !this.#isOver) {
      if (this.#waiting === null) {
        if (this.#later.byteLength === 0) break;
        this.#waiting = this.#later.join(this.context.memory, null);
        this.#waitingAt = 0;
        this.#later = new PieceList();
      }
      const bytes = this.#waiting;
      const from = this.#waitingAt;
      const at = this.messages.read(bytes, from, bytes.length);
      this.stream.consumed(at - from);
      // The call may have ended meanwhile.
      if (this.#waiting === null) break;
      this.#waitingAt = at;
      if (at === bytes.length) this.#waiting = null;
    }
    this.#reading = false;
    this.#tellHalfClose();
  }

  #tellHalfClose(): void {
    if (!this.#halfClosed || this.#halfCloseTold || this.#isOver || this.#mustWait) return;
    this.#halfCloseTold = true;
    if (this.messages.inMessage) this.failCall(GrpcStatus.internal, 'the last message ends early');
    else this.guard(() => this.#reader?.onHalfClose());
  }

  // ---- the handler

  start(metadata: readonly GrpcMetadataEntry[]): void {
    if (this.cancelled) return;
    this.answer.addMetadata(metadata);
    this.answer.sendHeader();
  }

  compress(level: number): void {
    this.answer.compress(level);
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.cancelled) return true;
    if (this.answer.ended) throw new Error('the stream has ended');
    const room = this.answer.sendMessage(parts, null);
    if (this.stream.heldCostBytes > this.context.limits.sendBufferBytesMax) this.#clientTooSlow();
    return room;
  }

  whenDrained(): Promise<void> {
    if (this.#isOver || this.stream.heldBytes === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  finish(trailers: readonly GrpcMetadataEntry[]): void {
    if (this.cancelled) return;
    if (this.answer.ended) throw new Error('the stream has ended');
    this.answer.end(trailers);
    this.settled();
  }

  failStream(status: number, message: string, trailers: readonly GrpcMetadataEntry[]): void {
    if (this.cancelled) return;
    if (this.answer.ended) throw new Error('the stream has ended');
    this.answer.fail(status, message, trailers);
    this.settled();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#goOn();
  }

  /** Trailers would wait behind what is not read: only a reset gets rid of that. */
  #clientTooSlow(): void {
    this.stream.reset(ErrorCode.enhanceYourCalm);
    this.gone();
  }
}

/** What handlers see of a streaming call's answers. */
class CallResponses implements GrpcStream {
  readonly #call: GrpcStreamCall;

  constructor(call: GrpcStreamCall) {
    this.#call = call;
  }

  start(metadata: readonly GrpcMetadataEntry[]): void {
    this.#call.start(metadata);
  }

  compress(level: number): void {
    this.#call.compress(level);
  }

  write(parts: readonly Uint8Array[]): boolean {
    return this.#call.write(parts);
  }

  drained(): Promise<void> {
    return this.#call.whenDrained();
  }

  end(trailers: readonly GrpcMetadataEntry[] = noMetadata): void {
    this.#call.finish(trailers);
  }

  fail(status: number, message: string, trailers: readonly GrpcMetadataEntry[] = noMetadata): void {
    this.#call.failStream(status, message, trailers);
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }
}
