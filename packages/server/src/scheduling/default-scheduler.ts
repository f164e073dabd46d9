import { TritonError } from '@nereid/protocol';
import type { BackendInstance } from '../core/backend.ts';
import type { Clock } from '../core/clock.ts';
import type { Execution } from '../core/execution.ts';
import type { InferRequest } from '../core/infer-request.ts';
import type { InferResponse, ResponseSink } from '../core/infer-response.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';
import { RequestQueue } from './request-queue.ts';

/** Requests that may wait for one model. Triton has no bound here; memory has. */
const queueRequestsMaxDefault = 100_000;

export interface DefaultSchedulerOptions {
  readonly modelName: string;
  readonly instances: readonly BackendInstance[];
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly queueRequestsMax?: number;
}

/**
 * First come, first served: each request runs alone, on whichever instance is free, with the batch
 * that the client made of it.
 */
export class DefaultScheduler implements Scheduler {
  readonly #modelName: string;
  readonly #statistics: ModelStatistics;
  readonly #clock: Clock;
  readonly #queueRequestsMax: number;
  readonly #queue = new RequestQueue<ScheduledRequest>();
  /** A stack, so that a lone client keeps to one instance whose memory is warm. */
  readonly #idle: BackendInstance[];
  #inflight = 0;
  #stopped = false;
  #whenDrained: (() => void) | null = null;

  constructor(options: DefaultSchedulerOptions) {
    this.#modelName = options.modelName;
    this.#statistics = options.statistics;
    this.#clock = options.clock;
    this.#queueRequestsMax = options.queueRequestsMax ?? queueRequestsMaxDefault;
    this.#idle = [...options.instances].reverse();
  }

  get pendingCount(): number {
    return this.#queue.length;
  }

  get inflightCount(): number {
    return this.#inflight;
  }

  enqueue(request: InferRequest, sink: ResponseSink): void {
    const scheduled = new ScheduledRequest(this, request, sink, this.#clock.nowNs());
    this.#inflight++;
    if (this.#stopped) {
      scheduled.reject(
        'REJECTED',
        new TritonError(
          'UNAVAILABLE',
          `Server is stopping, scheduler for model has stopped accepting new inference requests`,
        ),
      );
      return;
    }
    const instance = this.#queue.length === 0 ? this.#idle.pop() : undefined;
    if (instance !== undefined) {
      this.#run(instance, scheduled);
    } else if (this.#queue.length >= this.#queueRequestsMax) {
      scheduled.reject('REJECTED', new TritonError('UNAVAILABLE', 'Exceeds maximum queue size'));
    } else {
      this.#queue.push(scheduled);
      scheduled.watchCancellation();
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#inflight > 0) {
      await new Promise<void>((resolve) => {
        this.#whenDrained = resolve;
      });
    }
  }

  /** Called by a request that was cancelled while it waited. */
  dropFromQueue(scheduled: ScheduledRequest): void {
    if (!this.#queue.remove(scheduled)) return;
    scheduled.reject('CANCELED', cancelledError(this.#modelName));
  }

  /** Called once by every request when its answer is out. */
  settled(): void {
    if (--this.#inflight === 0) this.#whenDrained?.();
  }

  recordSuccess(scheduled: ScheduledRequest): void {
    const now = this.#clock.nowNs();
    this.#statistics.recordSuccess(
      scheduled.request.batchSize,
      now - scheduled.request.startNs,
      scheduled.computeStartNs - scheduled.queueStartNs,
      scheduled.computeInputEndNs - scheduled.computeStartNs,
      scheduled.computeOutputStartNs - scheduled.computeInputEndNs,
      scheduled.computeEndNs - scheduled.computeOutputStartNs,
    );
  }

  recordFailure(scheduled: ScheduledRequest, reason: 'REJECTED' | 'CANCELED' | 'BACKEND'): void {
    this.#statistics.recordFailure(reason, this.#clock.nowNs() - scheduled.request.startNs);
  }

  #run(instance: BackendInstance, first: ScheduledRequest): void {
    let next: ScheduledRequest | undefined = first;
    while (next !== undefined) {
      const scheduled: ScheduledRequest = next;
      next = undefined;
      scheduled.unwatchCancellation();
      if (scheduled.request.cancellation.cancelled) {
        scheduled.reject('CANCELED', cancelledError(this.#modelName));
        next = this.#queue.shift();
        continue;
      }
      const work = instance.execute([scheduled]);
      if (work !== null) {
        void work.then(() => {
          this.#finish(scheduled);
          const waiting = this.#queue.shift();
          if (waiting === undefined) this.#idle.push(instance);
          else this.#run(instance, waiting);
        });
        return;
      }
      this.#finish(scheduled);
      next = this.#queue.shift();
    }
    this.#idle.push(instance);
  }

  #finish(scheduled: ScheduledRequest): void {
    if (scheduled.computeEndNs > 0) {
      this.#statistics.recordBatch(
        scheduled.request.batchSize,
        scheduled.computeInputEndNs - scheduled.computeStartNs,
        scheduled.computeOutputStartNs - scheduled.computeInputEndNs,
        scheduled.computeEndNs - scheduled.computeOutputStartNs,
      );
    }
    if (!scheduled.done) {
      scheduled.fail(
        new TritonError('INTERNAL', `model '${this.#modelName}' ended without an answer`),
      );
    }
  }
}

/** The scheduler's own view of a request: its times, and the promise that it is answered exactly once. */
class ScheduledRequest implements Execution, ResponseSink {
  readonly request: InferRequest;
  readonly sink: ResponseSink = this;
  readonly queueStartNs: number;
  computeStartNs = 0;
  computeInputEndNs = 0;
  computeOutputStartNs = 0;
  computeEndNs = 0;
  done = false;
  readonly #scheduler: DefaultScheduler;
  readonly #sink: ResponseSink;
  #watch: (() => void) | null = null;

  constructor(
    scheduler: DefaultScheduler,
    request: InferRequest,
    sink: ResponseSink,
    queueStartNs: number,
  ) {
    this.#scheduler = scheduler;
    this.request = request;
    this.#sink = sink;
    this.queueStartNs = queueStartNs;
  }

  watchCancellation(): void {
    this.#watch = () => this.#scheduler.dropFromQueue(this);
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
      this.#scheduler.recordSuccess(this);
    }
    try {
      this.#sink.respond(response, final);
    } finally {
      if (final) this.#scheduler.settled();
    }
  }

  fail(error: TritonError): void {
    this.reject(error.code === 'CANCELLED' ? 'CANCELED' : 'BACKEND', error);
  }

  reject(reason: 'REJECTED' | 'CANCELED' | 'BACKEND', error: TritonError): void {
    if (this.done) return;
    this.done = true;
    this.#scheduler.recordFailure(this, reason);
    try {
      this.#sink.fail(error);
    } finally {
      this.#scheduler.settled();
    }
  }
}

function cancelledError(modelName: string): TritonError {
  return new TritonError('CANCELLED', `request to model '${modelName}' was cancelled`);
}
