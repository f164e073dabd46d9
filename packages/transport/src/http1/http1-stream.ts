import type { HttpStream } from '../http-handler.ts';
import type { ResponseSink, StreamFraming } from './response-sink.ts';

const chunkEnd = Buffer.from('\r\n', 'latin1');
const lastChunk = Buffer.from('0\r\n\r\n', 'latin1');

/** A response whose length nobody knows. */
export class Http1Stream implements HttpStream {
  readonly #sink: ResponseSink;
  readonly #framing: StreamFraming;
  #ended = false;

  constructor(sink: ResponseSink, framing: StreamFraming) {
    this.#sink = sink;
    this.#framing = framing;
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#ended) throw new Error('the response has ended');
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk;
    // A chunk of no bytes would end the body.
    if (bytes.length === 0 || this.#framing === 'nothing') return true;
    if (this.#framing === 'raw') return this.#sink.writePiece([bytes]);
    const size = Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1');
    return this.#sink.writePiece([size, bytes, chunkEnd]);
  }

  drained(): Promise<void> {
    return this.#sink.whenDrained();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sink.endStream(this.#framing === 'chunks' ? lastChunk : null);
  }

  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sink.abortStream();
  }
}
