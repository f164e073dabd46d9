import type { Tensor } from '@nereid/protocol';

/** The times of a request, named as in Triton's trace files. */
export type TraceActivity =
  | 'REQUEST_START'
  | 'QUEUE_START'
  | 'COMPUTE_START'
  | 'COMPUTE_INPUT_END'
  | 'COMPUTE_OUTPUT_START'
  | 'COMPUTE_END'
  | 'REQUEST_END';

/** Where tensors are seen, named as in Triton's trace files. */
export type TensorActivity =
  | 'TENSOR_QUEUE_INPUT'
  | 'TENSOR_BACKEND_INPUT'
  | 'TENSOR_BACKEND_OUTPUT';

/** The request that a trace is of. */
export interface TracedRequest {
  readonly modelName: string;
  readonly modelVersion: number;
  /** '' for none. */
  readonly id: string;
}

/**
 * What is noted of one request of one model. Most requests have none: `InferRequest.trace` is null
 * for all that were not sampled.
 *
 * The front end samples; the data plane starts the trace, reports its queue and its tensors, and ends
 * it with the final answer; `ScheduledRequest` reports the times of the execution. A scheduler that
 * uses neither reports the `COMPUTE_` times itself.
 *
 * Who makes a request on behalf of another (a step of an ensemble, a call of a Python model) gives
 * `child()` of that one's trace along, to `DataPlane.infer` or `InferencePort.infer`, and does nothing
 * else: `infer(model, message, cancellation, sink, request.trace?.child() ?? null)`. A child that is
 * never started leaves no trace.
 */
export interface Trace {
  /** Unique in this server, from 1. */
  readonly id: number;
  /** W3C trace context as a JSON object of headers, for calls that leave the server; '' where there is none. */
  readonly context: string;
  /** REQUEST_START. @param ns `Clock.nowNs`, as everywhere here. */
  start(request: TracedRequest, ns: number): void;
  report(activity: TraceActivity, ns: number): void;
  /** Copies what it keeps; does nothing unless tensors are traced. */
  reportTensors(activity: TensorActivity, tensors: readonly Tensor[]): void;
  /** The trace of a request that this one leads to. */
  child(): Trace;
  /** REQUEST_END: nothing may be reported afterwards. */
  end(ns: number): void;
}

const traceParent = /"traceparent":"[0-9a-f]{2}-([0-9a-f]{32})-/;

/** How others find a trace: by its W3C id where it has one, else by its number in the trace files. */
export function traceIdOf(trace: Trace | null): string | null {
  if (trace === null) return null;
  return traceParent.exec(trace.context)?.[1] ?? String(trace.id);
}
