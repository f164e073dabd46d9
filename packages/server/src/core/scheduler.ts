import type { InferRequest } from './infer-request.ts';
import type { ResponseSink } from './infer-response.ts';

/** Decides when, where and together with what a request of one model version is executed. */
export interface Scheduler {
  /**
   * Takes the request over: from here on the sink is answered exactly once, or streamed to until final.
   * @throws TritonError for a request that cannot be taken at all, such as one of a sequence that was
   *   not started: nothing was said on the sink then, and no statistics count it.
   */
  enqueue(request: InferRequest, sink: ResponseSink): void;
  /** Requests that wait for an instance. */
  readonly pendingCount: number;
  /** Requests that wait or run; of sequences at least those that go on. */
  readonly inflightCount: number;
  /**
   * Begins no more sequences; resolves when the last one has ended, by its END or because nothing more came
   * of it. Missing where every request stands for itself. Comes before `stop`, where there is time.
   */
  endSequences?(): Promise<void>;
  /** Takes no more requests (they fail as UNAVAILABLE); resolves when the last one in flight is answered. */
  stop(): Promise<void>;
}
