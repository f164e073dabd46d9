import type { BodyMemory } from '../body-memory.ts';
import { bodyIsTooSlow } from '../body-pace.ts';
import type { ConnectionProtocol, ProtocolConnection } from '../connection-protocol.ts';
import { type BodyPlan, type HttpHandler, type ResponseBody, refusalOf } from '../http-handler.ts';
import type { ResponseObserver } from '../response-observer.ts';
import { ChunkedBody } from './chunked-body.ts';
import { failureResponse } from './failure-response.ts';
import { HeadParser } from './head-parser.ts';
import { badRequest, failure, type HttpFailure } from './http-failure.ts';
import { Http1Request } from './http1-request.ts';
import { Http1Responder } from './http1-responder.ts';
import { LengthBody } from './length-body.ts';
import { PendingBytes } from './pending-bytes.ts';
import type { RequestHead } from './request-head.ts';
import { hasNoBody } from './response-head.ts';
import type { ResponseSink, StreamFraming } from './response-sink.ts';

/** Bodies up to this size go out in the same write as their header. */
const mergedBytesMax = 16 * 1024;

const noBytes = Buffer.alloc(0);

/** What all connections of a server share. */
export interface Http1Context {
  readonly handler: HttpHandler;
  readonly memory: BodyMemory;
  /** Told what handlers throw. */
  readonly handlerFailed: (error: unknown) => void;
  readonly observer: ResponseObserver;
}

/**
 * Between requests; in a header; in a body; a handler has the request; its response waits for the
 * reader; over.
 */
type Phase = 'idle' | 'head' | 'body' | 'handling' | 'draining' | 'over';

/** Speaks HTTP/1 on one connection: one request at a time, those behind it wait. RFC 9112. */
export class Http1Protocol implements ConnectionProtocol, ResponseSink {
  readonly #connection: ProtocolConnection;
  readonly #context: Http1Context;
  readonly #parser: HeadParser;
  readonly #pending = new PendingBytes();
  #phase: Phase = 'idle';
  #sinceMs: number;
  #bodyStartMs = 0;
  #bodyBytes = 0;
  /** Bytes of a header that did not arrive in one piece; its own memory. */
  #headBytes: Buffer | null = null;
  #headLength = 0;
  #head: RequestHead | null = null;
  #target = '';
  #request: Http1Request | null = null;
  #responder: Http1Responder | null = null;
  #reader: LengthBody | ChunkedBody | null = null;
  /** What is free when the response is with the kernel, which may read it until then. */
  #releasedBody: Uint8Array | null = null;
  /** Told when the response has left. */
  #left: (() => void) | null = null;
  #closeAfter = false;
  #streaming = false;
  #stopping = false;
  #consuming = false;
  #waiters: (() => void)[] = [];

  constructor(connection: ProtocolConnection, context: Http1Context) {
    this.#connection = connection;
    this.#context = context;
    this.#parser = new HeadParser(connection.limits);
    this.#sinceMs = connection.nowMs;
  }

  // ---- what the connection tells

  read(bytes: Buffer): void {
    if (this.#phase === 'handling' || this.#phase === 'draining' || this.#consuming) {
      this.#pending.add(bytes, 0);
      if (this.#pendingIsFull) this.#connection.pause();
    } else this.#consume(bytes);
  }

  readTarget(): Buffer | null {
    return this.#phase === 'body' ? this.#reader!.readTarget() : null;
  }

  readInPlace(byteLength: number): void {
    if (this.#phase !== 'body') return;
    this.#reader!.readInPlace(byteLength);
    this.#bodyProgressed(byteLength);
  }

  readEnd(): void {
    if (this.#phase === 'head' || this.#phase === 'body') {
      this.#refuse(badRequest('it ends early'));
      return;
    }
    // Nobody can tell half a close from a whole one: the client counts as gone, as in Node.
    this.#over();
    this.#connection.end();
  }

  drained(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
    if (this.#phase === 'handling' && !this.#pendingIsFull) this.#connection.resume();
    if (this.#phase === 'draining') this.#next();
  }

  closed(): void {
    this.#over();
  }

  sweep(): void {
    const connection = this.#connection;
    const { limits } = connection;
    const { idleTimeoutMs, headerTimeoutMs } = limits;
    if (this.#phase === 'idle') {
      if (connection.isOver(this.#sinceMs, idleTimeoutMs)) connection.end();
    } else if (this.#phase === 'head') {
      if (connection.isOver(this.#sinceMs, headerTimeoutMs)) {
        this.#refuse(failure(408, 'the request header took too long'));
      }
    } else if (
      this.#phase === 'body' &&
      bodyIsTooSlow(connection, limits, this.#bodyStartMs, this.#sinceMs, this.#bodyBytes)
    ) {
      this.#refuse(failure(408, 'the request body took too long'));
    }
  }

  shutdown(): void {
    this.#stopping = true;
    if (this.#phase === 'idle') this.#connection.destroy();
  }

  // ---- reading

  get #pendingIsFull(): boolean {
    return this.#pending.byteLength > this.#connection.limits.pipelineBytesMax;
  }

  /** Takes all bytes: what cannot be read now waits in #pending. */
  #consume(bytes: Buffer): void {
    this.#consuming = true;
    let at = 0;
    while (at < bytes.length) {
      if (this.#phase === 'idle') {
        // Blank lines before a request are passed over: RFC 9112 section 2.2.
        if (bytes[at] === 0x0d || bytes[at] === 0x0a) {
          at++;
          continue;
        }
        this.#phase = 'head';
        this.#sinceMs = this.#connection.nowMs;
        this.#parser.begin(bytes, at);
      }
      if (this.#phase === 'head') at = this.#readHead(bytes, at);
      else if (this.#phase === 'body') at = this.#readBody(bytes, at);
      else break;
    }
    this.#consuming = false;
    if (at < bytes.length && this.#phase !== 'over') this.#pending.add(bytes, at);
  }

  /** @returns Where the header ends, or the end of the bytes. */
  #readHead(bytes: Buffer, at: number): number {
    const parser = this.#parser;
    if (this.#headBytes === null) {
      if (parser.parse(bytes.length)) return this.#startRequest(bytes, parser.position);
      if (parser.failure !== null) this.#refuse(parser.failure);
      else this.#keepHead(bytes);
      return bytes.length;
    }
    const before = this.#headLength;
    this.#growHead(bytes, at);
    if (parser.parse(this.#headLength)) {
      const position = at + parser.position - before;
      this.#headBytes = null;
      return this.#startRequest(bytes, position);
    }
    if (parser.failure !== null) this.#refuse(parser.failure);
    return bytes.length;
  }

  /** The header goes on in the next piece: its start moves to memory that can grow. */
  #keepHead(bytes: Buffer): void {
    const { start } = this.#parser;
    this.#headLength = bytes.length - start;
    this.#headBytes = Buffer.allocUnsafeSlow(Math.max(1024, this.#headLength * 2));
    bytes.copy(this.#headBytes, 0, start);
    this.#parser.moveToStartOf(this.#headBytes);
  }

  #growHead(bytes: Buffer, at: number): void {
    // The parser refuses what is longer, so no more is ever needed.
    const room = this.#connection.limits.headerBytesMax - this.#headLength;
    const count = Math.min(bytes.length - at, room);
    let headBytes = this.#headBytes!;
    if (this.#headLength + count > headBytes.length) {
      const grown = Buffer.allocUnsafeSlow((this.#headLength + count) * 2);
      headBytes.copy(grown, 0, 0, this.#headLength);
      headBytes = grown;
      this.#headBytes = grown;
      this.#parser.moveToStartOf(grown);
    }
    bytes.copy(headBytes, this.#headLength, at, at + count);
    this.#headLength += count;
  }

  /** @returns How far the bytes are consumed. */
  #startRequest(bytes: Buffer, at: number): number {
    const { head } = this.#parser;
    this.#head = head;
    this.#request = new Http1Request(head, this.#targetOf(head), this.#connection);
    this.#responder = new Http1Responder(this);
    this.#closeAfter = !head.keepAlive;
    this.#streaming = false;
    if (head.expect === 'unknown') {
      this.#refuse(failure(417, 'the only expectation that is understood is 100-continue'));
      return bytes.length;
    }
    const plan = this.#planBody(this.#request);
    if (this.#phase === 'over') return bytes.length;
    if (plan?.reject !== undefined) {
      this.#reject(plan.reject, head);
      return this.#closeAfter ? bytes.length : at;
    }
    if (!head.hasBody) {
      this.#dispatch(noBytes);
      return at;
    }
    return this.#startBody(bytes, at, head, plan);
  }

  /** The target as text. A client asks for the same again and again: that text is made once. */
  #targetOf(head: RequestHead): string {
    const { bytes, targetStart, targetEnd } = head;
    const last = this.#target;
    const { length } = last;
    if (targetEnd - targetStart === length) {
      let at = 0;
      while (at < length && bytes[targetStart + at] === last.charCodeAt(at)) at++;
      if (at === length) return last;
    }
    this.#target = head.target();
    return this.#target;
  }

  #planBody(request: Http1Request): BodyPlan | null {
    const { handler, handlerFailed } = this.#context;
    if (handler.head === undefined) return null;
    try {
      return handler.head(request);
    } catch (error) {
      handlerFailed(error);
      this.#refuse(failure(500, 'internal error'));
      return null;
    }
  }

  #reject(reject: NonNullable<BodyPlan['reject']>, head: RequestHead): void {
    if (head.hasBody) this.#closeAfter = true;
    this.#phase = 'handling';
    try {
      this.#responder!.send(reject.status, reject.headers, reject.body);
    } catch (error) {
      this.#context.handlerFailed(error);
      this.#refuse(failure(500, 'internal error'));
    }
  }

  #startBody(bytes: Buffer, at: number, head: RequestHead, plan: BodyPlan | null): number {
    const { limits } = this.#connection;
    const { memory } = this.#context;
    const bodyBytesMax = plan?.bodyBytesMax ?? limits.bodyBytesMax;
    const alignedOffset = plan?.alignedOffset ?? null;
    const { contentLength } = head;
    if (contentLength > bodyBytesMax) {
      this.#refuse(failure(413, `request body exceeds ${bodyBytesMax} bytes`));
      return bytes.length;
    }
    const end = at + contentLength;
    if (!head.chunked && alignedOffset === null && end <= bytes.length) {
      this.#dispatch(bytes.subarray(at, end));
      return end;
    }
    const reader = head.chunked
      ? new ChunkedBody({ ...limits, bodyBytesMax }, memory, alignedOffset)
      : new LengthBody(memory, contentLength, alignedOffset);
    if (reader.failure !== null) {
      this.#refuse(reader.failure);
      return bytes.length;
    }
    this.#reader = reader;
    this.#phase = 'body';
    this.#sinceMs = this.#connection.nowMs;
    this.#bodyStartMs = this.#sinceMs;
    this.#bodyBytes = 0;
    // Who already sends does not wait for it: RFC 9110 section 10.1.1.
    if (head.expect === 'continue' && head.minorVersion === 1 && at === bytes.length) {
      this.#connection.writeText('HTTP/1.1 100 Continue\r\n\r\n');
    }
    return at;
  }

  #readBody(bytes: Buffer, start: number): number {
    const reader = this.#reader!;
    const at = reader.read(bytes, start, bytes.length);
    this.#bodyProgressed(at - start);
    return this.#phase === 'over' ? bytes.length : at;
  }

  /** Bytes of the body have come: it may be complete, or wrong. */
  #bodyProgressed(byteLength: number): void {
    const reader = this.#reader!;
    this.#bodyBytes += byteLength;
    this.#sinceMs = this.#connection.nowMs;
    if (reader.failure !== null) {
      this.#refuse(reader.failure);
      return;
    }
    if (!reader.complete) return;
    this.#reader = null;
    let body: Buffer;
    try {
      body = reader.take();
    } catch {
      this.#refuse(failure(503, 'not enough memory for the request body'));
      return;
    }
    this.#dispatch(body);
  }

  #dispatch(body: Buffer): void {
    const request = this.#request!;
    const responder = this.#responder!;
    this.#phase = 'handling';
    request.body = body;
    try {
      this.#context.handler.handle(request, responder);
    } catch (error) {
      this.#context.handlerFailed(error);
      this.#answerFailedHandler(request, responder);
    }
  }

  #answerFailedHandler(request: Http1Request, responder: Http1Responder): void {
    if (!responder.sent) {
      const { handler, handlerFailed } = this.#context;
      const { headers, body } = refusalOf(handler, request, 500, 'internal error', handlerFailed);
      responder.send(500, headers, body);
    } else if (this.#streaming && this.#request === request) this.#connection.destroy();
  }

  // ---- writing

  sendWhole(status: number, head: string, body: ResponseBody, left: (() => void) | null): void {
    if (this.#phase === 'over') return;
    this.#left = left;
    this.#context.observer.http(status);
    const withoutBody = hasNoBody(status);
    const silent = withoutBody || this.#head!.method === 'HEAD';
    if (body === null || typeof body === 'string') {
      const text = body ?? '';
      const byteLength = text === '' ? 0 : Buffer.byteLength(text, 'utf8');
      const start = this.#completeHead(head, withoutBody ? -1 : byteLength);
      if (silent || byteLength === 0) this.#connection.writeText(start);
      // As many bytes as characters: it is ASCII, and one string goes to the kernel.
      else if (byteLength === text.length) this.#connection.writeText(start + text);
      else this.#sendParts(start, [Buffer.from(text, 'utf8')], byteLength);
    } else {
      const parts = body instanceof Uint8Array ? [body] : body;
      let byteLength = 0;
      for (const part of parts) byteLength += part.length;
      const start = this.#completeHead(head, withoutBody ? -1 : byteLength);
      if (silent || byteLength === 0) this.#connection.writeText(start);
      else this.#sendParts(start, parts, byteLength);
    }
    this.#finishResponse();
  }

  #sendParts(head: string, parts: readonly Uint8Array[], byteLength: number): void {
    if (byteLength > mergedBytesMax) {
      this.#connection.writeAll([Buffer.from(head, 'latin1'), ...parts]);
      return;
    }
    const whole = Buffer.allocUnsafe(head.length + byteLength);
    let at = whole.write(head, 0, 'latin1');
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.#connection.write(whole);
  }

  /** Adds what frames the response; a negative length stands for none. */
  #completeHead(head: string, byteLength: number): string {
    const length = byteLength < 0 ? '' : `Content-Length: ${byteLength}\r\n`;
    return `${head}${length}${this.#connectionField()}\r\n`;
  }

  #connectionField(): string {
    if (this.#stopping) this.#closeAfter = true;
    if (this.#closeAfter) return 'Connection: close\r\n';
    return this.#head!.minorVersion === 0 ? 'Connection: keep-alive\r\n' : '';
  }

  startStream(status: number, head: string): StreamFraming {
    if (this.#phase === 'over') return 'nothing';
    this.#context.observer.http(status);
    this.#streaming = true;
    const request = this.#head!;
    const framing: StreamFraming =
      request.method === 'HEAD' || hasNoBody(status)
        ? 'nothing'
        : request.minorVersion === 0
          ? 'raw'
          : 'chunks';
    if (framing === 'raw') this.#closeAfter = true;
    const chunked = framing === 'chunks' ? 'Transfer-Encoding: chunked\r\n' : '';
    this.#connection.writeText(`${head}${chunked}${this.#connectionField()}\r\n`);
    return framing;
  }

  writePiece(pieces: readonly Uint8Array[]): boolean {
    if (this.#phase === 'over') return true;
    const connection = this.#connection;
    const room = connection.writeAll(pieces);
    if (room) return true;
    if (connection.unsentBytes > connection.limits.writeBufferBytesMax) connection.destroy();
    else connection.pause();
    return false;
  }

  whenDrained(): Promise<void> {
    if (this.#phase === 'over' || this.#connection.isDrained) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  endStream(last: Uint8Array | null): void {
    if (this.#phase === 'over') return;
    if (last !== null) this.#connection.writeAll([last]);
    this.#finishResponse();
  }

  abortStream(): void {
    if (this.#phase !== 'over') this.#connection.destroy();
  }

  #finishResponse(): void {
    this.#releasedBody = this.#request!.releasedBody;
    this.#request!.finish();
    this.#request = null;
    this.#responder = null;
    if (this.#closeAfter) {
      this.#over();
      this.#connection.end();
      return;
    }
    if (this.#connection.isDrained) this.#next();
    else {
      this.#phase = 'draining';
      this.#connection.pause();
    }
  }

  /** The response is out: on to the next request. */
  #next(): void {
    this.#reuseMemory();
    this.#phase = 'idle';
    this.#sinceMs = this.#connection.nowMs;
    this.#head = null;
    if (this.#stopping) {
      this.#over();
      this.#connection.end();
      return;
    }
    if (this.#pending.byteLength === 0) this.#connection.resume();
    // Later, so that no handler runs inside another one's `send`.
    else if (!this.#consuming) queueMicrotask(() => this.#consumePending());
  }

  /** There being room for more does not mean that all is sent: what is not is left to the collector. */
  #reuseMemory(): void {
    const body = this.#releasedBody;
    const left = this.#left;
    if (body === null && left === null) return;
    this.#releasedBody = null;
    this.#left = null;
    if (this.#connection.unsentBytes > 0) return;
    if (body !== null) this.#context.memory.recycle(body);
    left?.();
  }

  #consumePending(): void {
    if (this.#phase !== 'idle' || this.#consuming) return;
    this.#consume(this.#pending.take());
    if (this.#pending.byteLength === 0) this.#connection.resume();
  }

  /** Answers what cannot be served; nothing after it on this connection can be understood. */
  #refuse(why: HttpFailure): void {
    if (this.#phase === 'over') return;
    const { handler, handlerFailed, observer } = this.#context;
    const { status, text } = why;
    observer.http(status);
    const refusal = refusalOf(handler, this.#knownRequest(), status, text, handlerFailed);
    this.#connection.writeText(failureResponse(status, refusal));
    this.#over();
    this.#connection.end();
  }

  /** What is known of the request under way: of a header that cannot be read, the fields before the fault. */
  #knownRequest(): Http1Request | null {
    if (this.#request !== null || this.#phase !== 'head') return this.#request;
    const { head } = this.#parser;
    return new Http1Request(head, head.target(), this.#connection);
  }

  #over(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#pending.clear();
    this.#headBytes = null;
    this.#reader = null;
    this.#releasedBody = null;
    this.#left = null;
    const request = this.#request;
    this.#request = null;
    request?.abort();
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}
