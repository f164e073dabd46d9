import type { InferRequest } from './infer-request.ts';
import type { ResponseSink } from './infer-response.ts';

/**
 * One request on its way through a backend instance. The scheduler makes it, the backend fills in
 * the times and answers on the sink. All times are `Clock.nowNs`; 0 means not reached.
 */
export interface Execution {
  readonly request: InferRequest;
  readonly sink: ResponseSink;
  queueStartNs: number;
  computeStartNs: number;
  computeInputEndNs: number;
  computeOutputStartNs: number;
  computeEndNs: number;
  /** Set by a backend that answers after the end of `execute`: the answer is not missed then. */
  detached?: boolean;
}
