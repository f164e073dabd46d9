import type { InferenceRequest, Parameters } from './request.ts';
import type { DataType, InputTensor, OutputTensor } from './tensor.ts';

/** An inference request of a model to another model. */
export interface CallOptions {
  readonly inputs: readonly OutputTensor[];
  /** Names of the outputs that are wanted; all when missing. */
  readonly outputs?: readonly string[];
  /** The highest that is ready when missing. */
  readonly version?: number;
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly correlationId?: number | bigint | string;
  readonly sequenceStart?: boolean;
  readonly sequenceEnd?: boolean;
  readonly timeoutUs?: number;
  /** The request that this call is made for: its trace is continued, and its cancellation cancels the call. */
  readonly parent?: InferenceRequest;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/** What another model answered. */
export interface CallAnswer {
  readonly outputs: readonly InputTensor[];
  /** @throws TritonError INVALID_ARG when there is no such output, or it has another type. */
  output<T extends DataType = DataType>(name: string, dataType?: T): InputTensor<T>;
  readonly parameters: Parameters;
}
