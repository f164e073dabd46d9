import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { HttpAnswer } from '../http/http-transport.ts';
import { InferenceError as Failure, type InferenceError } from '../inference-error.ts';
import type { ResponseSink } from './http-exchange.ts';
import type { ResponseHead } from './response-head.ts';

/** Tensors want to begin at a multiple of their largest element. */
const alignmentBytes = 8;
const inferenceHeader = 'inference-header-content-length';
const decoders: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** Collects an answer: a body of known length is read straight to where it stays. */
export class WholeAnswer implements ResponseSink {
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: InferenceError) => void;
  #head: ResponseHead | null = null;
  #body: Uint8Array | null = null;
  #filled = 0;
  #pieces: Uint8Array[] = [];

  constructor(resolve: (answer: HttpAnswer) => void, reject: (error: InferenceError) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  head(head: ResponseHead): void {
    this.#head = head;
    const { contentLength } = head;
    if (contentLength === null) return;
    // The binary data begins behind the JSON, whose length is told.
    const jsonLength = Number(head.fields.get(inferenceHeader) ?? 0) || 0;
    const padding = (alignmentBytes - (jsonLength % alignmentBytes)) % alignmentBytes;
    // Not zeroed: nobody sees it before all of it has come. Callers know nothing of Node's Buffer.
    const { buffer } = Buffer.allocUnsafeSlow(padding + contentLength);
    this.#body = new Uint8Array(buffer, padding, contentLength);
  }

  target(): Uint8Array | null {
    return this.#body === null ? null : this.#body.subarray(this.#filled);
  }

  filled(byteLength: number): void {
    this.#filled += byteLength;
  }

  piece(bytes: Uint8Array): boolean {
    if (this.#body === null) this.#pieces.push(bytes.slice());
    else {
      this.#body.set(bytes, this.#filled);
      this.#filled += bytes.length;
    }
    return true;
  }

  end(): void {
    const { status, fields } = this.#head as ResponseHead;
    const encoding = fields.get('content-encoding')?.toLowerCase() ?? 'identity';
    let body = this.#body ?? Buffer.concat(this.#pieces);
    const decode = decoders[encoding];
    if (decode !== undefined && body.length > 0) {
      try {
        body = decode(body);
      } catch (cause) {
        this.fail(new Failure('INTERNAL', `the answer is no ${encoding}`, null, cause));
        return;
      }
    }
    this.#resolve({ status, header: (name) => fields.get(name) ?? null, body });
  }

  fail(error: InferenceError): void {
    this.#reject(error);
  }
}
