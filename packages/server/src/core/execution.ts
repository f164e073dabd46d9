import type { InferRequest } from './infer-request.ts';
import type { ResponseSink } from './infer-response.ts';
import type { SequenceStates } from './sequence-states.ts';

/** What became of one answer of a decoupled model, as Triton's extension of statistics tells it apart. */
export type ResponseOutcome = 'success' | 'fail' | 'empty_response' | 'cancel';

/** Counts what one GPU executes, beside the statistics of the model. Arguments as there, in nanoseconds. */
export interface ExecutionCounter {
  recordSuccess(
    batchSize: number,
    requestNs: number,
    queueNs: number,
    computeInputNs: number,
    computeInferNs: number,
    computeOutputNs: number,
  ): void;
  recordFailure(reason: 'BACKEND', requestNs: number): void;
  recordBatch(
    batchSize: number,
    computeInputNs: number,
    computeInferNs: number,
    computeOutputNs: number,
  ): void;
}

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
  /** Of the GPU that it is executed on; absent or null where it is on none. */
  gpuCounter?: ExecutionCounter | null;
  /** Null or absent for a model without implicit states, and for rows that only fill a batch up. */
  readonly states?: SequenceStates | null;
  /**
   * Tells of one answer, for `response_stats`: Triton's decoupled test backend does.
   *
   * @param index of the answer, from 0
   * @param inferNs from the start of the work on it to that of its outputs
   * @param outputNs of its outputs; 0 for an answer without any
   */
  reportResponse?(index: number, outcome: ResponseOutcome, inferNs: number, outputNs: number): void;
  /**
   * Gives the request back, to be executed again: `TRITONSERVER_REQUEST_RELEASE_RESCHEDULE`. Called at
   * most once in an execution, during `execute` or later, instead of a final answer, once the times of
   * this execution are filled in. Answers that are not final may come before. The request keeps its
   * inputs, is no longer the first of its sequence, and comes with new times in a later batch.
   *
   * @throws TritonError INVALID_ARG with Triton's texts where the model is not configured with
   *   `iterative_sequence`, or its sequence was ended meanwhile. The backend then answers the request,
   *   for the last time, with this error.
   */
  reschedule?(): void;
}
