import type { Tensor, TritonError } from '@nereid/protocol';
import type { Clock } from '../core/clock.ts';
import type { InferRequest } from '../core/infer-request.ts';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../core/infer-response.ts';
import type { Logger } from '../core/logger.ts';
import type { Trace } from '../core/trace.ts';
import type { ServedModel } from '../lifecycle/served-model.ts';
import { reshapeShape } from './prepare-inputs.ts';
import type { RequestRules } from './request-rules.ts';

/**
 * The way of a request's answers from its scheduler to its front end: gives outputs the shapes that
 * the model promises, leaves out those that were not asked for, and gives the model back after the
 * final answer. Holds one reference on the model until then.
 */
export class ResponsePath implements ResponseSink {
  readonly #model: ServedModel;
  readonly #rules: RequestRules;
  readonly #outputNames: readonly string[];
  readonly #sink: ResponseSink;
  readonly #trace: Trace | null;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #ended = false;

  constructor(
    model: ServedModel,
    rules: RequestRules,
    request: InferRequest,
    sink: ResponseSink,
    clock: Clock,
    logger: Logger,
  ) {
    this.#model = model;
    this.#rules = rules;
    this.#outputNames = request.outputNames;
    this.#trace = request.trace ?? null;
    this.#clock = clock;
    this.#sink = sink;
    this.#logger = logger;
  }

  respond(response: InferResponse | null, final: boolean): void {
    if (this.#ended) return;
    this.#ended = final;
    try {
      const finished = this.#finished(response);
      if (this.#trace !== null) this.#traceAnswer(this.#trace, finished, final);
      this.#sink.respond(finished, final);
    } catch (failure) {
      this.#logFailure(failure);
    }
    if (final) this.#model.release();
  }

  fail(error: TritonError, answer?: ErrorAnswer): void {
    if (this.#ended) return;
    const final = answer === undefined || answer.final;
    this.#ended = final;
    if (final) this.#trace?.end(this.#clock.nowNs());
    try {
      this.#sink.fail(error, answer);
    } catch (failure) {
      this.#logFailure(failure);
    }
    if (final) this.#model.release();
  }

  /** The scheduler did not take the request: it gets no answer here. */
  abandon(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#trace?.end(this.#clock.nowNs());
    this.#model.release();
  }

  /** Before the answer goes on: the trace of a request ends before that of the one it was made for. */
  #traceAnswer(trace: Trace, response: InferResponse | null, final: boolean): void {
    if (response !== null) trace.reportTensors('TENSOR_BACKEND_OUTPUT', response.outputs);
    if (final) trace.end(this.#clock.nowNs());
  }

  /** A front end that throws must not take the scheduler along. */
  #logFailure(failure: unknown): void {
    const text = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
    this.#logger.error(`unexpected failure of a front end that was given an answer: ${text}`);
  }

  #finished(response: InferResponse | null): InferResponse | null {
    if (response === null) return null;
    let outputs = response.outputs;
    if (response.whole !== true && !sameNames(outputs, this.#outputNames)) {
      outputs = outputs.filter((output) => this.#outputNames.includes(output.name));
    }
    if (this.#rules.reshapesOutputs) outputs = outputs.map((output) => this.#reshaped(output));
    return outputs === response.outputs ? response : { ...response, outputs };
  }

  #reshaped(output: Tensor): Tensor {
    const rule = this.#rules.outputByName.get(output.name);
    if (rule === undefined || rule.reshape === null) return output;
    const offset = this.#rules.maxBatchSize > 0 ? 1 : 0;
    return { ...output, shape: reshapeShape(output.shape, offset, rule.reshape, rule.dims) };
  }
}

function sameNames(outputs: readonly Tensor[], names: readonly string[]): boolean {
  if (outputs.length !== names.length) return false;
  for (let i = 0; i < outputs.length; i++) {
    if (outputs[i]?.name !== names[i]) return false;
  }
  return true;
}
