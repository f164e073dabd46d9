import type { BodyMemory } from '../body-memory.ts';
import type { TransportClock, TransportTimer } from '../clock.ts';
import { headerValue } from '../hpack/header-list.ts';
import { ErrorCode } from '../http2/frame.ts';
import type { StreamReader } from '../http2/http2-stream.ts';
import type { ResponseObserver } from '../response-observer.ts';
import type { CallStream } from './call-stream.ts';
import { GrpcAnswer } from './grpc-answer.ts';
import type { AlignedOffset, GrpcCall, GrpcMetadataEntry } from './grpc-handler.ts';
import type { GrpcHead } from './grpc-head.ts';
import type { GrpcLimits } from './grpc-limits.ts';
import { readMetadata } from './grpc-metadata.ts';
import { GrpcStatus } from './grpc-status.ts';
import { inflateMessage } from './message-coding.ts';
import { MessageReader, type MessageSink } from './message-reader.ts';

/** What all calls of a server share. */
export interface GrpcContext {
  readonly limits: GrpcLimits;
  readonly memory: BodyMemory;
  readonly clock: TransportClock;
  /** Longest pause between two pieces of the message of a unary call. */
  readonly bodyTimeoutMs: number;
  /** Average pace that it must keep. */
  readonly bodyBytesPerSecondMin: number;
  /** Told what handlers throw. */
  readonly handlerFailed: (error: unknown) => void;
  readonly observer: ResponseObserver;
}

/** Longest that timers of Node can be. */
const timerMsMax = 2 ** 31 - 1;

/** A call on its stream: what all kinds have in common. */
export abstract class GrpcServerCall implements GrpcCall, StreamReader, MessageSink {
  protected readonly context: GrpcContext;
  protected readonly stream: CallStream;
  protected readonly answer: GrpcAnswer;
  protected readonly messages: MessageReader;
  readonly deadlineNs: number | null;
  readonly #head: GrpcHead;
  #cancelled = false;
  #callbacks: (() => void)[] | null = null;
  #timer: TransportTimer | null = null;
  #inflating = false;

  constructor(
    context: GrpcContext,
    stream: CallStream,
    head: GrpcHead,
    alignedOffset: AlignedOffset | null,
  ) {
    const { limits, memory } = context;
    this.context = context;
    this.stream = stream;
    this.#head = head;
    this.answer = new GrpcAnswer(
      stream,
      head.accepted,
      limits.sendMessageBytesMax,
      context.observer,
    );
    this.messages = new MessageReader(memory, limits.receiveMessageBytesMax, alignedOffset, this);
    this.deadlineNs = head.timeoutNs === null ? null : this.#startTimer(head.timeoutNs);
  }

  get path(): string {
    return this.#head.path;
  }

  get peer(): string {
    return this.stream.remoteAddress;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Whether a message is being inflated; those behind it wait. */
  protected get inflating(): boolean {
    return this.#inflating;
  }

  metadata(lowerCaseName: string): string | null {
    return headerValue(this.#head.fields, lowerCaseName);
  }

  metadataEntries(): Iterable<GrpcMetadataEntry> {
    return readMetadata(this.#head.fields);
  }

  onCancelled(callback: () => void): void {
    if (this.#cancelled) callback();
    else if (this.answer.ended) return;
    else if (this.#callbacks === null) this.#callbacks = [callback];
    else this.#callbacks.push(callback);
  }

  // ---- what the stream tells

  get retainedBytes(): number {
    return this.messages.retainedBytes;
  }

  /** Where the message being read goes on. */
  target(byteLength: number): Buffer | null {
    return this.messages.target(byteLength);
  }

  abstract data(bytes: Buffer, start: number, end: number): void;
  abstract end(): void;
  abstract drained(): void;
  abstract sweep(): void;

  gone(): void {
    if (!this.answer.ended) this.cancel();
    this.settled();
  }

  // ---- messages

  message(bytes: Buffer, compressed: boolean): boolean {
    if (!compressed) return this.take(bytes);
    const { encoding } = this.#head;
    if (encoding === null) {
      this.failCall(GrpcStatus.internal, 'a compressed message without grpc-encoding');
      return false;
    }
    this.#inflating = true;
    const bytesMax = this.context.limits.receiveMessageBytesMax;
    inflateMessage(bytes, encoding, bytesMax, (inflated) => {
      this.#inflating = false;
      if (this.#cancelled || this.answer.ended) return;
      if (inflated === 'broken') {
        this.failCall(GrpcStatus.internal, 'a message that cannot be inflated');
      } else if (inflated === 'too-large') {
        const text = `Received message larger than max (more than ${bytesMax} vs. ${bytesMax})`;
        this.failCall(GrpcStatus.resourceExhausted, text);
      } else {
        this.take(inflated);
        this.inflated();
      }
    });
    // Those behind it must not overtake it.
    return !this.#inflating;
  }

  failed(status: number, text: string): void {
    this.failCall(status, text);
  }

  /** One message, inflated. @returns Whether further ones may come now. */
  protected abstract take(message: Buffer): boolean;

  /** A message was inflated and taken: those that waited may come. */
  protected abstract inflated(): void;

  // ---- ends

  /** Answers with a status on behalf of the transport, if nothing has ended the call before. */
  protected failCall(status: number, text: string): void {
    if (this.#cancelled || this.answer.ended) return;
    this.answer.fail(status, text, []);
    this.cancel();
    this.settled();
  }

  /** Runs a handler; what it throws ends the call. */
  protected guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.context.handlerFailed(error);
      this.failCall(GrpcStatus.internal, 'internal error');
    }
  }

  /** No answer can come, or is wanted, any more. */
  protected settled(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#callbacks = null;
  }

  protected cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    const callbacks = this.#callbacks ?? [];
    this.#callbacks = null;
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        this.context.handlerFailed(error);
      }
    }
  }

  /** Breaks off a call whose client has stopped in the middle. */
  protected breakOff(): void {
    this.stream.reset(ErrorCode.cancel);
    this.gone();
  }

  #startTimer(timeoutNs: number): number {
    const { clock } = this.context;
    const delayMs = Math.ceil(timeoutNs / 1e6);
    if (delayMs <= timerMsMax) {
      this.#timer = clock.setTimer(delayMs, () => {
        this.failCall(GrpcStatus.deadlineExceeded, 'Deadline Exceeded');
      });
    }
    return clock.nowNs() + timeoutNs;
  }
}
