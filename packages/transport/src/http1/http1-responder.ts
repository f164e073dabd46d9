import type { HeaderField, HttpResponder, HttpStream, ResponseBody } from '../http-handler.ts';
import { Http1Stream } from './http1-stream.ts';
import { responseHead } from './response-head.ts';

/** Where responders put what they send: the protocol object of their connection. */
export interface ResponseSink {
  /** Sends a whole response; `head` lacks framing and the blank line. */
  sendWhole(status: number, head: string, body: ResponseBody): void;
  /** Starts a streamed response and returns whether its pieces are to be sent in chunks. */
  startStream(status: number, head: string): StreamFraming;
  writePiece(pieces: readonly Uint8Array[]): boolean;
  /** Resolves when there is room, or when the connection is gone. */
  whenDrained(): Promise<void>;
  endStream(last: Uint8Array | null): void;
  abortStream(): void;
}

/** How the pieces of a stream go out: HTTP/1.0 knows no chunks, HEAD gets no body. */
export type StreamFraming = 'chunks' | 'raw' | 'nothing';

/** Answers one request of a connection. */
export class Http1Responder implements HttpResponder {
  readonly #sink: ResponseSink;
  #sent = false;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  get sent(): boolean {
    return this.#sent;
  }

  send(status: number, headers: readonly HeaderField[], body: ResponseBody): void {
    const head = this.#start(status, headers);
    this.#sink.sendWhole(status, head, body);
  }

  stream(status: number, headers: readonly HeaderField[]): HttpStream {
    const head = this.#start(status, headers);
    return new Http1Stream(this.#sink, this.#sink.startStream(status, head));
  }

  #start(status: number, headers: readonly HeaderField[]): string {
    if (this.#sent) throw new Error('a request is answered once');
    const head = responseHead(status, headers);
    this.#sent = true;
    return head;
  }
}
