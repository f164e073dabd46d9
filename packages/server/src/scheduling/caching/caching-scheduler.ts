import type { ParameterValue, Tensor, TritonError } from '@nereid/protocol';
import type { Clock } from '../../core/clock.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../../core/infer-response.ts';
import type { ResponseCache } from '../../core/response-cache.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { ModelStatistics } from '../../observability/model-statistics.ts';
import { AnswerOrder } from '../answer-order.ts';
import { RequestIntake } from '../request-intake.ts';
import { queueRequestsMaxDefault } from '../scheduled-request.ts';
import { RequestKeys } from './request-key.ts';

export interface CachingSchedulerOptions {
  readonly modelName: string;
  readonly modelVersion: string;
  /** What tells this model version's entries from all others'. */
  readonly scope: string;
  /** Executes what is not in the cache. */
  readonly scheduler: Scheduler;
  readonly cache: ResponseCache;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  /** With `preserve_ordering`, what is in the cache does not overtake what is not. */
  readonly preserveOrdering: boolean;
}

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();

/**
 * Answers requests from the response cache and lets another scheduler execute those that are not in
 * it, whose answers go into it. An answer with an error is not kept.
 */
export class CachingScheduler implements Scheduler {
  readonly #options: CachingSchedulerOptions;
  readonly #keys: RequestKeys;
  readonly #order: AnswerOrder | null;
  /** Requests whose key or entry is waited for; the others are the scheduler's. */
  readonly #lookups = new RequestIntake();
  #stopped = false;

  constructor(options: CachingSchedulerOptions) {
    this.#options = options;
    this.#keys = new RequestKeys(options.scope);
    this.#order = options.preserveOrdering ? new AnswerOrder() : null;
  }

  get pendingCount(): number {
    return this.#options.scheduler.pendingCount + this.#lookups.inflight;
  }

  get inflightCount(): number {
    return this.#options.scheduler.inflightCount + this.#lookups.inflight;
  }

  enqueue(request: InferRequest, sink: ResponseSink): void {
    const { scheduler, clock } = this.#options;
    const ordered = this.#order?.inTurn(sink) ?? sink;
    if (this.#stopped || this.#lookups.inflight >= queueRequestsMaxDefault) {
      scheduler.enqueue(request, ordered);
      return;
    }
    const queueStartNs = clock.nowNs();
    const key = this.#keys.keyOf(request);
    if (typeof key === 'string') this.#lookUp(key, request, ordered, queueStartNs);
    else this.#whenKnown(key, (found) => this.#lookUp(found, request, ordered, queueStartNs));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#lookups.close();
    await this.#options.scheduler.stop();
  }

  /** The promises of keys and of caches do not reject: if one does it is a defect, and the log has it. */
  #whenKnown<T>(promise: Promise<T>, then: (value: T) => void): void {
    this.#lookups.enter();
    void promise.then((value) => {
      try {
        then(value);
      } finally {
        this.#lookups.leave();
      }
    });
  }

  #lookUp(key: string, request: InferRequest, sink: ResponseSink, queueStartNs: number): void {
    const { cache, clock } = this.#options;
    const lookup: Lookup = { key, queueStartNs, startNs: clock.nowNs(), endNs: 0, partial: false };
    const found = cache.lookup(key);
    if (found instanceof Promise) {
      this.#whenKnown(found, (outputs) => this.#decide(outputs, lookup, request, sink));
    } else {
      this.#decide(found, lookup, request, sink);
    }
  }

  #decide(
    outputs: readonly Tensor[] | null,
    lookup: Lookup,
    request: InferRequest,
    sink: ResponseSink,
  ): void {
    lookup.endNs = this.#options.clock.nowNs();
    lookup.partial = outputs !== null;
    const { cancelled } = request.cancellation;
    if (outputs !== null && !cancelled && hasAll(outputs, request.outputNames)) {
      this.#answer(outputs, lookup, request, sink);
    } else {
      const filling = new CacheFilling(this.#options, lookup, sink);
      this.#options.scheduler.enqueue(request, filling);
    }
  }

  #answer(
    outputs: readonly Tensor[],
    { queueStartNs, startNs, endNs }: Lookup,
    request: InferRequest,
    sink: ResponseSink,
  ): void {
    const { modelName, modelVersion, statistics } = this.#options;
    statistics.recordCacheHit(endNs - request.startNs, startNs - queueStartNs, endNs - startNs);
    sink.respond(
      // Everything that is there, asked for or not: Triton's answers from the cache are so.
      { modelName, modelVersion, id: request.id, parameters: noParameters, outputs, whole: true },
      true,
    );
  }
}

/** When an entry was looked for, `Clock.nowNs`. */
interface Lookup {
  readonly key: string;
  readonly queueStartNs: number;
  readonly startNs: number;
  endNs: number;
  /** There is an entry, which lacks outputs that this request wants. */
  partial: boolean;
}

/** The way of an answer that was not in the cache: into it, and on. */
class CacheFilling implements ResponseSink {
  readonly #options: CachingSchedulerOptions;
  readonly #lookup: Lookup;
  readonly #sink: ResponseSink;

  constructor(options: CachingSchedulerOptions, lookup: Lookup, sink: ResponseSink) {
    this.#options = options;
    this.#lookup = lookup;
    this.#sink = sink;
  }

  /** The memory of outputs may be the request's, which is used again once the answer is out: copied before. */
  respond(response: InferResponse | null, final: boolean): void {
    if (response !== null && final && response.outputs.length > 0) this.#keep(response.outputs);
    this.#sink.respond(response, final);
  }

  fail(error: TritonError, answer?: ErrorAnswer): void {
    this.#sink.fail(error, answer);
  }

  /** Triton does not count the miss of a request that came again before the first one was answered. */
  #keep(outputs: readonly Tensor[]): void {
    const { cache, clock, statistics } = this.#options;
    const { key, startNs, endNs } = this.#lookup;
    const insertStartNs = clock.nowNs();
    if (!this.#lookup.partial && cache.has(key)) return;
    cache.insert(key, outputs);
    statistics.recordCacheMiss(endNs - startNs + (clock.nowNs() - insertStartNs));
  }
}

function hasAll(outputs: readonly Tensor[], names: readonly string[]): boolean {
  for (let i = 0; i < names.length; i++) {
    if (!outputs.some(({ name }) => name === names[i])) return false;
  }
  return true;
}
