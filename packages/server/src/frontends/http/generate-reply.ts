import { encodeGenerateResponse, type TritonError } from '@nereid/protocol';
import type { HeaderField } from '@nereid/transport';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../../core/infer-response.ts';
import { publicFailure } from '../../core/public-failure.ts';
import { answeredErrorStatus, isRefusal } from './generate-status.ts';
import type { HttpCall } from './http-route.ts';
import { withLoadMetrics } from './load-metrics.ts';
import { errorText, sendFailure } from './replies.ts';

const wrongCountText =
  'generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses';

const headers: readonly HeaderField[] = [['Content-Type', 'application/json']];

/** Triton sends every answer in chunks; the transport bounds what it takes of one that is streamed. */
const chunkedBytesMax = 256 * 1024;

/** Turns the one answer of an inference into a flat JSON object. */
export class GenerateReply implements ResponseSink {
  readonly #call: HttpCall;
  #status = 200;
  /** Of the first answer; a model that answers more often is told off, so that no other is kept. */
  #first: Uint8Array | string | null = null;
  #responseCount = 0;
  #done = false;

  constructor(call: HttpCall) {
    this.#call = call;
  }

  /** True when the final answer is known: nothing is left to cancel. */
  get done(): boolean {
    return this.#done;
  }

  respond(response: InferResponse | null, final: boolean): void {
    if (response !== null && this.#responseCount++ === 0) this.#encode(response);
    if (final) this.#send();
  }

  fail(error: TritonError, answer?: ErrorAnswer): void {
    if (this.#responseCount === 0 && isRefusal(error, answer)) {
      this.#done = true;
      const { responder, context } = this.#call;
      sendFailure(responder, error, 'application/json', context.logger);
      return;
    }
    if (this.#responseCount++ === 0) this.#keepError(error.message);
    if (answer === undefined || answer.final) this.#send();
  }

  #encode(response: InferResponse): void {
    try {
      this.#first = encodeGenerateResponse(response, response.outputs);
    } catch (failure) {
      const { context } = this.#call;
      this.#keepError(publicFailure(failure, 'an HTTP request', context.logger).message);
    }
  }

  #keepError(text: string): void {
    this.#status = answeredErrorStatus;
    this.#first = errorText(text);
  }

  /** The status stays that of the first answer, as with Triton. */
  #send(): void {
    this.#done = true;
    const { responder } = this.#call;
    const one = this.#responseCount === 1 ? this.#first : null;
    const body = one ?? errorText(wrongCountText);
    const fields = withLoadMetrics(this.#call, headers);
    if (body.length > chunkedBytesMax) {
      responder.send(this.#status, fields, body);
      return;
    }
    const stream = responder.stream(this.#status, fields);
    stream.write(body);
    stream.end();
  }
}
