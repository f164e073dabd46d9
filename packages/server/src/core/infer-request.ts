import type { RequestParameters, Tensor } from '@nereid/protocol';
import type { Cancellation } from './cancellation.ts';
import type { Trace } from './trace.ts';

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
}
