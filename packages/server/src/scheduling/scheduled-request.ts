import { TritonError } from '@nereid/protocol';
import type { Clock } from '../core/clock.ts';
import type { Execution, ExecutionCounter, ResponseOutcome } from '../core/execution.ts';
import type { InferRequest } from '../core/infer-request.ts';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../core/infer-response.ts';
import { traceIdOf } from '../core/trace.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';
import type { QueuePlace } from './batching/batch-queue.ts';

/** Requests that may wait for one model. Triton has no bound here; memory has. */
export const queueRequestsMaxDefault = 100_000;

/** Why a scheduler's request failed, as the statistics tell it. */
export type RequestFailure = 'REJECTED' | 'CANCELED' | 'BACKEND';

/** What a request needs of the scheduler that took it. */
export interface RequestOwner {
  readonly modelName: string;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  /** Called by a request that was cancelled while it waited. */
  dropFromQueue(scheduled: ScheduledRequest): void;
  /** Called once by every request when its answer is out. */
  settled(scheduled: ScheduledRequest): void;
}

/** The scheduler's own view of a request: its times, and the promise that it is answered exactly once. */
export class ScheduledRequest implements Execution, ResponseSink {
  /** As the backend gets it: a scheduler may replace it by one with more inputs. */
  request: InferRequest;
  readonly sink: ResponseSink = this;
  queueStartNs: number;
  computeStartNs = 0;
  computeInputEndNs = 0;
  computeOutputStartNs = 0;
  computeEndNs = 0;
  /** True once the final answer was given; later ones are ignored. */
  done = false;
  /** True when the backend answers later than its batch ends. */
  detached = false;
  gpuCounter: ExecutionCounter | null = null;
  /** Where it waits, while it waits in a queue with places. */
  place: QueuePlace<ScheduledRequest> | null = null;
  readonly #owner: RequestOwner;
  /** Where answers go; replaced where they must keep an order. */
  #sink: ResponseSink;
  #diverted = false;
  #watch: (() => void) | null = null;

  constructor(owner: RequestOwner, request: InferRequest, sink: ResponseSink) {
    this.#owner = owner;
    this.request = request;
    this.#sink = sink;
    this.queueStartNs = owner.clock.nowNs();
  }

  /** Sends the answers by way of another sink, which gets the one so far. Once: a request that is executed again keeps its place. */
  divert(through: (sink: ResponseSink) => ResponseSink): void {
    if (this.#diverted) return;
    this.#diverted = true;
    this.#sink = through(this.#sink);
  }

  watchCancellation(): void {
    if (this.#watch !== null) return;
    this.#watch = () => this.#owner.dropFromQueue(this);
    this.request.cancellation.onCancel(this.#watch);
  }

  unwatchCancellation(): void {
    if (this.#watch === null) return;
    this.request.cancellation.offCancel(this.#watch);
    this.#watch = null;
  }

  respond(response: InferResponse | null, final: boolean): void {
    if (this.done) return;
    if (final) {
      this.done = true;
      this.#recordSuccess();
    }
    try {
      this.#sink.respond(response, final);
    } finally {
      if (final) this.#owner.settled(this);
    }
  }

  fail(error: TritonError, answer?: ErrorAnswer): void {
    if (answer !== undefined) {
      this.#answerWithError(error, answer);
      return;
    }
    this.reject(error.code === 'CANCELLED' ? 'CANCELED' : 'BACKEND', error);
  }

  reject(reason: RequestFailure, error: TritonError): void {
    if (this.done) return;
    this.done = true;
    const { clock, statistics } = this.#owner;
    const requestNs = clock.nowNs() - this.request.startNs;
    statistics.recordFailure(reason, requestNs);
    if (reason === 'BACKEND') this.gpuCounter?.recordFailure(reason, requestNs);
    this.#tellTimes();
    this.#traceExecution();
    try {
      this.#sink.fail(error);
    } finally {
      this.#owner.settled(this);
    }
  }

  /** The batch that it was executed in is over. */
  executionEnded(): void {
    if (!this.done && !this.detached) this.rejectForgotten();
  }

  /** Counts an execution that went well and was not the last; from now on the request waits anew. */
  protected beginAnew(): void {
    this.#recordSuccess();
    this.queueStartNs = this.#owner.clock.nowNs();
    this.computeStartNs = 0;
    this.computeInputEndNs = 0;
    this.computeOutputStartNs = 0;
    this.computeEndNs = 0;
    this.detached = false;
  }

  reportResponse(index: number, outcome: ResponseOutcome, inferNs: number, outputNs: number): void {
    this.#owner.statistics.recordResponse(index, outcome, inferNs, outputNs);
  }

  /** Only a sequence can take a request back. */
  reschedule(): void {
    throw rescheduleError();
  }

  /** Fails the request as one that its client gave up. */
  rejectCancelled(): void {
    const text = `request to model '${this.#owner.modelName}' was cancelled`;
    this.reject('CANCELED', new TritonError('CANCELLED', text));
  }

  /** Fails the request when its batch has ended without an answer for it: a defect of the backend. */
  rejectForgotten(): void {
    const text = `model '${this.#owner.modelName}' ended without an answer`;
    this.fail(new TritonError('INTERNAL', text));
  }

  /** An execution that went well and has an error for its result: Triton counts it as a success. */
  #answerWithError(error: TritonError, answer: ErrorAnswer): void {
    if (this.done) return;
    if (answer.final) {
      this.done = true;
      this.#recordSuccess();
    }
    try {
      this.#sink.fail(error, answer);
    } finally {
      if (answer.final) this.#owner.settled(this);
    }
  }

  #recordSuccess(): void {
    const computeInputNs = this.computeInputEndNs - this.computeStartNs;
    const computeInferNs = this.computeOutputStartNs - this.computeInputEndNs;
    const computeOutputNs = this.computeEndNs - this.computeOutputStartNs;
    const requestNs = this.#owner.clock.nowNs() - this.request.startNs;
    const queueNs = this.computeStartNs - this.queueStartNs;
    this.#owner.statistics.recordSuccess(
      this.request.batchSize,
      requestNs,
      queueNs,
      computeInputNs,
      computeInferNs,
      computeOutputNs,
      traceIdOf(this.request.trace ?? null),
    );
    this.gpuCounter?.recordSuccess(
      this.request.batchSize,
      requestNs,
      queueNs,
      computeInputNs,
      computeInferNs,
      computeOutputNs,
    );
    this.#tellTimes();
    this.request.parent?.addDurations(computeInputNs, computeInferNs, computeOutputNs);
    this.#traceExecution();
  }

  /** For whoever asked; the execution of a failed request may not have begun, or ended. */
  #tellTimes(): void {
    const { times } = this.request;
    if (times == null) return;
    const nowNs = this.#owner.clock.nowNs();
    const executed = this.computeStartNs > 0;
    times.queueNs = (executed ? this.computeStartNs : nowNs) - this.queueStartNs;
    times.computeNs = executed ? (this.computeEndNs || nowNs) - this.computeStartNs : 0;
  }

  /** A failed execution may have come to its end early. */
  #traceExecution(): void {
    const { trace } = this.request;
    if (trace == null || this.computeStartNs === 0) return;
    const nowNs = this.#owner.clock.nowNs();
    trace.report('COMPUTE_START', this.computeStartNs);
    trace.report('COMPUTE_INPUT_END', this.computeInputEndNs || nowNs);
    trace.report('COMPUTE_OUTPUT_START', this.computeOutputStartNs || nowNs);
    trace.report('COMPUTE_END', this.computeEndNs || nowNs);
  }
}

/** What a request is told that comes when its model takes no more. */
export function stoppingError(): TritonError {
  return new TritonError(
    'UNAVAILABLE',
    'Server is stopping, scheduler for model has stopped accepting new inference requests',
  );
}

/** What a backend is told that gives a request back where nothing takes it. */
export function rescheduleError(): TritonError {
  return new TritonError(
    'INVALID_ARG',
    'Request is released with TRITONSERVER_REQUEST_RELEASE_RESCHEDULE, while the model is not configured to handle such a flag.',
  );
}

/** What a request is told whose time in the queue was up. */
export function timeoutError(): TritonError {
  return new TritonError('UNAVAILABLE', 'Request timeout expired');
}
