import type { DataType, RequestParameters, Tensor } from '@nereid/protocol';
import type { Cancellation } from './cancellation.ts';
import type { ParentRequest } from './parent-request.ts';
import type { Trace } from './trace.ts';

/**
 * Memory that the client wants an output in, to be written instead of memory of the server's own.
 * Null where there is none for it, or not of that size. Asked once for an output, by a backend that
 * writes it with plain accesses of this process before it answers, and then answers with this memory.
 */
export type OutputMemory = (
  name: string,
  dataType: DataType,
  byteLength: number,
) => Uint8Array | null;

/** Where a request's time went, filled in when it is executed. Nanoseconds. */
export interface RequestTimes {
  queueNs: number;
  /** From the start of its execution to its outputs; 0 for one that was not executed. */
  computeNs: number;
}

/** A validated inference request: what schedulers queue and backends execute. */
export interface InferRequest {
  /** The client's own id, '' when it gave none. */
  readonly id: string;
  readonly parameters: RequestParameters;
  /** One per required input of the model, shapes with the batch dimension when the model batches. */
  readonly inputs: readonly Tensor[];
  /** Names of the outputs that are wanted, never empty. */
  readonly outputNames: readonly string[];
  /** The size of the first dimension when the model batches, otherwise 1. */
  readonly batchSize: number;
  readonly cancellation: Cancellation;
  /** When the server took the request up, `Clock.nowNs`. */
  readonly startNs: number;
  /** Null or absent for a request that is not traced. */
  readonly trace?: Trace | null;
  /** Null or absent unless somebody asks. */
  readonly times?: RequestTimes | null;
  /** Null or absent where outputs are not wanted anywhere. */
  readonly outputMemory?: OutputMemory | null;
  /** The request that this one is a step of; null or absent for a client's own. */
  readonly parent?: ParentRequest | null;
}
