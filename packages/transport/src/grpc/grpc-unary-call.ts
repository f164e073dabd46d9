import { bodyIsTooSlow } from '../body-pace.ts';
import type { CallStream } from './call-stream.ts';
import type { GrpcMetadataEntry, GrpcUnaryMethod, GrpcUnaryResponder } from './grpc-handler.ts';
import type { GrpcHead } from './grpc-head.ts';
import { type GrpcContext, GrpcServerCall } from './grpc-server-call.ts';
import { GrpcStatus } from './grpc-status.ts';

const noMetadata: readonly GrpcMetadataEntry[] = [];

/** A call with one message each way: its handler is asked when the client has sent all. */
export class GrpcUnaryCall extends GrpcServerCall implements GrpcUnaryResponder {
  readonly #method: GrpcUnaryMethod;
  #message: Buffer | null = null;
  /** What the handler was given. */
  #given: Buffer | null = null;
  #released: Buffer | null = null;
  #halfClosed = false;
  readonly #startMs: number;
  #sinceMs: number;
  #receivedBytes = 0;

  constructor(context: GrpcContext, stream: CallStream, head: GrpcHead, method: GrpcUnaryMethod) {
    super(context, stream, head, method.alignedOffset ?? null);
    this.#method = method;
    this.#startMs = stream.owner.nowMs;
    this.#sinceMs = this.#startMs;
  }

  // ---- the client

  override target(byteLength: number): Buffer | null {
    return this.answer.ended || this.cancelled ? null : super.target(byteLength);
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.#sinceMs = this.stream.owner.nowMs;
    this.#receivedBytes += end - start;
    // Whatever follows the one message is of no use, and so need not be kept.
    if (!this.answer.ended && !this.cancelled) {
      const at = this.messages.read(bytes, start, end);
      if (at < end) this.#extraMessage();
    }
    this.stream.consumed(end - start);
  }

  end(): void {
    this.#halfClosed = true;
    if (this.messages.inMessage) {
      this.failCall(GrpcStatus.internal, 'the message ends early');
    } else if (!this.inflating) this.#handle();
  }

  drained(): void {}

  sweep(): void {
    const { owner } = this.stream;
    if (this.#halfClosed || this.answer.ended) return;
    if (bodyIsTooSlow(owner, this.context, this.#startMs, this.#sinceMs, this.#receivedBytes)) {
      this.breakOff();
    }
  }

  protected take(message: Buffer): boolean {
    if (this.#message !== null) {
      this.#extraMessage();
      return false;
    }
    this.#message = message;
    return true;
  }

  protected inflated(): void {
    if (this.#halfClosed) this.#handle();
  }

  #extraMessage(): void {
    this.failCall(GrpcStatus.internal, 'more than one message for a unary method');
  }

  #handle(): void {
    if (this.answer.ended || this.cancelled) return;
    const message = this.#message;
    if (message === null) {
      this.failCall(GrpcStatus.internal, 'no message for a unary method');
      return;
    }
    this.#message = null;
    this.#given = message;
    try {
      this.#method.handle(this, message, this);
    } catch (error) {
      this.context.handlerFailed(error);
      this.failCall(GrpcStatus.internal, 'internal error');
    }
  }

  // ---- the handler

  start(metadata: readonly GrpcMetadataEntry[]): void {
    if (!this.cancelled) this.answer.addMetadata(metadata);
  }

  compress(level: number): void {
    this.answer.compress(level);
  }

  releaseMessage(): void {
    if (this.#given === null || this.cancelled || this.answer.ended) return;
    this.#released = this.#given;
    this.#given = null;
  }

  send(
    parts: readonly Uint8Array[],
    trailers: readonly GrpcMetadataEntry[] = noMetadata,
    left: (() => void) | null = null,
  ): void {
    if (this.cancelled) return;
    if (this.answer.ended) throw new Error('a call is answered once');
    const released = this.#released;
    this.#released = null;
    if (released !== null || left !== null) {
      this.stream.left = () => {
        if (released !== null) this.context.memory.recycle(released);
        left?.();
      };
    }
    this.answer.sendMessage(parts, trailers);
    this.settled();
  }

  fail(status: number, message: string, trailers: readonly GrpcMetadataEntry[] = noMetadata): void {
    if (this.cancelled) return;
    if (this.answer.ended) throw new Error('a call is answered once');
    this.answer.fail(status, message, trailers);
    this.settled();
  }
}
