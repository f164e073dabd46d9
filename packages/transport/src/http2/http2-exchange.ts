import type { BodyMemory } from '../body-memory.ts';
import { bodyIsTooSlow } from '../body-pace.ts';
import { encodeHeaderBlock } from '../hpack/hpack-encoder.ts';
import {
  type BodyPlan,
  type HeaderField,
  type HttpHandler,
  type HttpResponder,
  type HttpStream,
  type ResponseBody,
  refusalOf,
} from '../http-handler.ts';
import type { BodyReader } from '../http1/body-reader.ts';
import { LengthBody } from '../http1/length-body.ts';
import { hasNoBody } from '../http1/response-head.ts';
import type { ResponseObserver } from '../response-observer.ts';
import { ErrorCode } from './frame.ts';
import type { Http2Head } from './http2-head.ts';
import { Http2Request } from './http2-request.ts';
import type { Http2Stream, StreamReader } from './http2-stream.ts';
import { responseBlock } from './response-block.ts';
import { UnknownLengthBody } from './unknown-length-body.ts';

/** What all requests of a server share. */
export interface ExchangeContext {
  readonly handler: HttpHandler;
  readonly memory: BodyMemory;
  readonly bodyBytesMax: number;
  readonly bodyTimeoutMs: number;
  readonly bodyBytesPerSecondMin: number;
  readonly writeBufferBytesMax: number;
  /** Told what handlers throw. */
  readonly handlerFailed: (error: unknown) => void;
  readonly observer: ResponseObserver;
}

const continueBlock = encodeHeaderBlock([[':status', '100']]);

/** One request over HTTP/2 and its answer by an `HttpHandler`. */
export class Http2Exchange implements StreamReader, HttpResponder {
  readonly #context: ExchangeContext;
  readonly #stream: Http2Stream;
  readonly #request: Http2Request;
  #body: BodyReader | null = null;
  #sent = false;
  #retainedBytes = 0;
  readonly #startMs: number;
  #sinceMs: number;
  #receivedBytes = 0;
  #waiters: (() => void)[] = [];

  constructor(context: ExchangeContext, stream: Http2Stream, head: Http2Head) {
    this.#context = context;
    this.#stream = stream;
    this.#startMs = stream.owner.nowMs;
    this.#sinceMs = this.#startMs;
    this.#request = new Http2Request(head, stream.remoteAddress);
    this.#begin(head);
  }

  get sent(): boolean {
    return this.#sent;
  }

  // ---- the client

  get retainedBytes(): number {
    return this.#retainedBytes;
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.#sinceMs = this.#stream.owner.nowMs;
    this.#receivedBytes += end - start;
    if (this.#body !== null && !this.#sent) {
      this.#body.read(bytes, start, end);
      this.#retainedBytes += end - start;
      const { failure } = this.#body;
      if (failure !== null) this.#refuse(failure.status, failure.text);
    }
    this.#stream.consumed(end - start);
  }

  end(): void {
    if (this.#sent) return;
    try {
      if (this.#body !== null) this.#request.body = this.#body.take();
    } catch {
      this.#refuse(503, 'not enough memory for the request body');
      return;
    }
    this.#body = null;
    try {
      this.#context.handler.handle(this.#request, this);
    } catch (error) {
      this.#context.handlerFailed(error);
      if (this.#sent) this.#stream.reset(ErrorCode.internalError);
      else this.#refuse(500, 'internal error');
    }
  }

  gone(): void {
    this.#body = null;
    this.#request.abort(this.#context.handlerFailed);
    this.drained();
  }

  drained(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  sweep(): void {
    const { remoteEnded, owner } = this.#stream;
    if (remoteEnded || this.#sent) return;
    if (bodyIsTooSlow(owner, this.#context, this.#startMs, this.#sinceMs, this.#receivedBytes)) {
      this.#refuse(408, 'the request body took too long');
    }
  }

  #begin(head: Http2Head): void {
    const { handler, memory, handlerFailed } = this.#context;
    let plan: BodyPlan | null = null;
    try {
      plan = handler.head?.(this.#request) ?? null;
    } catch (error) {
      handlerFailed(error);
      this.#refuse(500, 'internal error');
      return;
    }
    if (plan?.reject !== undefined) {
      const { status, headers, body } = plan.reject;
      this.send(status, headers, body);
      return;
    }
    const bodyBytesMax = plan?.bodyBytesMax ?? this.#context.bodyBytesMax;
    const alignedOffset = plan?.alignedOffset ?? null;
    if (head.contentLength > bodyBytesMax) {
      this.#refuse(413, `request body exceeds ${bodyBytesMax} bytes`);
      return;
    }
    // RFC 9110 section 10.1.1.
    if (!this.#stream.remoteEnded && this.#request.header('expect') === '100-continue') {
      this.#stream.header(continueBlock, false);
    }
    this.#body =
      head.contentLength >= 0
        ? new LengthBody(memory, head.contentLength, alignedOffset)
        : new UnknownLengthBody(memory, bodyBytesMax, alignedOffset);
  }

  #refuse(status: number, text: string): void {
    if (this.#sent) return;
    const { handler, handlerFailed } = this.#context;
    const { headers, body } = refusalOf(handler, this.#request, status, text, handlerFailed);
    this.send(status, headers, body);
  }

  // ---- the handler

  send(status: number, headers: readonly HeaderField[], body: ResponseBody): void {
    if (this.#sent) throw new Error('a request is answered once');
    const parts =
      body === null
        ? []
        : typeof body === 'string'
          ? [Buffer.from(body, 'utf8')]
          : body instanceof Uint8Array
            ? [body]
            : body;
    let byteLength = 0;
    for (const part of parts) byteLength += part.length;
    const none = hasNoBody(status);
    const block = responseBlock(status, headers, none ? -1 : byteLength);
    this.#sent = true;
    this.#context.observer.http(status);
    const silent = none || byteLength === 0 || this.#request.method === 'HEAD';
    this.#stream.header(block, silent);
    if (!silent) this.#stream.write(parts, 'data');
    this.#request.finish();
  }

  stream(status: number, headers: readonly HeaderField[]): HttpStream {
    if (this.#sent) throw new Error('a request is answered once');
    const block = responseBlock(status, headers, -1);
    this.#sent = true;
    this.#context.observer.http(status);
    const silent = hasNoBody(status) || this.#request.method === 'HEAD';
    this.#stream.header(block, false);
    return this.#streamOf(silent);
  }

  #streamOf(silent: boolean): HttpStream {
    const stream = this.#stream;
    const { writeBufferBytesMax } = this.#context;
    let ended = false;
    return {
      write: (chunk) => {
        if (ended) throw new Error('the response has ended');
        if (silent) return true;
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk;
        const room = stream.write([bytes], null);
        if (stream.heldCostBytes > writeBufferBytesMax) {
          stream.reset(ErrorCode.enhanceYourCalm);
          this.gone();
        }
        return room;
      },
      drained: () => {
        if (stream.closed || stream.heldBytes === 0) return Promise.resolve();
        return new Promise((resolve) => this.#waiters.push(resolve));
      },
      end: () => {
        if (ended) return;
        ended = true;
        stream.write([], 'data');
        this.#request.finish();
      },
      abort: () => {
        if (ended) return;
        ended = true;
        stream.reset(ErrorCode.internalError);
      },
    };
  }
}
