import type { HttpRequest } from '../http/http-transport.ts';
import type { InferenceError } from '../inference-error.ts';
import type { ResponseHead } from './response-head.ts';

/** Takes one answer as it arrives. One of `end` and `fail` comes last. */
export interface ResponseSink {
  head(head: ResponseHead): void;
  /** Where the next bytes of the body should be read to; null where that does not matter. */
  target(): Uint8Array | null;
  /** So many bytes have been read to the start of `target()`. */
  filled(byteLength: number): void;
  /** Bytes of the body. They are overwritten after the call. @returns false to wait for `resume`. */
  piece(bytes: Uint8Array): boolean;
  end(): void;
  fail(error: InferenceError): void;
}

/** A request on its way, and who takes its answer. */
export interface HttpExchange {
  readonly request: HttpRequest;
  readonly sink: ResponseSink;
}
