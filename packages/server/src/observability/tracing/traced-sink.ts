import type { TritonError } from '@nereid/protocol';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../../core/infer-response.ts';
import type { FrontEndTrace } from './front-end-trace.ts';

/** Notes when answers reach the front end of a traced request, and hands them on. */
export class TracedSink implements ResponseSink {
  readonly #sink: ResponseSink;
  readonly #traced: FrontEndTrace;

  constructor(sink: ResponseSink, traced: FrontEndTrace) {
    this.#sink = sink;
    this.#traced = traced;
  }

  respond(response: InferResponse | null, final: boolean): void {
    this.#traced.capture('INFER_RESPONSE_COMPLETE');
    this.#sink.respond(response, final);
  }

  fail(error: TritonError, answer?: ErrorAnswer): void {
    this.#traced.capture('INFER_RESPONSE_COMPLETE');
    this.#sink.fail(error, answer);
  }
}
