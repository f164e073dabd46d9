import type { HeaderField, HttpResponder, HttpStream, ResponseBody } from '../http-handler.ts';
import { Http1Stream } from './http1-stream.ts';
import { responseHead } from './response-head.ts';
import type { ResponseSink } from './response-sink.ts';

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

  send(
    status: number,
    headers: readonly HeaderField[],
    body: ResponseBody,
    left: (() => void) | null = null,
  ): void {
    const head = this.#start(status, headers);
    this.#sink.sendWhole(status, head, body, left);
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
