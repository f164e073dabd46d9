import { encodeGenerateResponse, type TritonError } from '@nereid/protocol';
import type { HeaderField } from '@nereid/transport';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../../core/infer-response.ts';
import { publicFailure } from '../../core/public-failure.ts';
import { EventStream } from './event-stream.ts';
import { answeredErrorStatus, isRefusal } from './generate-status.ts';
import type { HttpCall } from './http-route.ts';
import { withLoadMetrics } from './load-metrics.ts';
import { errorText, sendFailure } from './replies.ts';

const headers: readonly HeaderField[] = [['Content-Type', 'text/event-stream; charset=utf-8']];

/**
 * Turns the answers of an inference into server-sent events, each as soon as it is there. The first
 * answer decides the status.
 */
export class GenerateStreamReply implements ResponseSink {
  readonly #call: HttpCall;
  #stream: EventStream | null = null;
  #done = false;

  constructor(call: HttpCall) {
    this.#call = call;
  }

  /** True when the final answer is known: nothing is left to cancel. */
  get done(): boolean {
    return this.#done;
  }

  respond(response: InferResponse | null, final: boolean): void {
    if (response === null) this.#start(200);
    else this.#writeResponse(response);
    if (final) this.#end();
  }

  fail(error: TritonError, answer?: ErrorAnswer): void {
    const { responder, context } = this.#call;
    if (this.#stream === null && isRefusal(error, answer)) {
      this.#done = true;
      sendFailure(responder, error, 'application/json', context.logger);
      return;
    }
    this.#writeError(error.message);
    if (answer === undefined || answer.final) this.#end();
  }

  #writeResponse(response: InferResponse): void {
    try {
      const event = encodeGenerateResponse(response, response.outputs);
      this.#write(200, event);
    } catch (failure) {
      const { logger } = this.#call.context;
      this.#writeError(publicFailure(failure, 'an HTTP request', logger).message);
    }
  }

  #writeError(text: string): void {
    this.#write(answeredErrorStatus, Buffer.from(errorText(text)));
  }

  #write(status: number, event: Uint8Array): void {
    if (this.#call.request.aborted) return;
    this.#start(status).send(event);
  }

  #start(status: number): EventStream {
    if (this.#stream === null) {
      const fields = withLoadMetrics(this.#call, headers);
      this.#stream = new EventStream(this.#call.responder.stream(status, fields));
    }
    return this.#stream;
  }

  #end(): void {
    this.#done = true;
    this.#start(200).end();
  }
}
