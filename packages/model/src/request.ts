import type { DataType, InputTensor, OutputTensor } from './tensor.ts';
import type { TritonError } from './triton-error.ts';

/** Custom parameters of requests and responses. Integers that a number cannot hold are bigints. */
export type Parameters = Readonly<Record<string, string | number | bigint | boolean>>;

/** One request to the model. */
export interface InferenceRequest {
  /** The client's own id, '' when it gave none. */
  readonly id: string;
  /** In the order of the configuration; optional ones that were left out are missing. */
  readonly inputs: readonly InputTensor[];
  /**
   * @param dataType given, the array has its type, and another type is an error.
   * @throws TritonError INVALID_ARG when there is no such input.
   */
  input<T extends DataType = DataType>(name: string, dataType?: T): InputTensor<T>;
  /** Names of the outputs that are wanted. */
  readonly outputNames: readonly string[];
  /** The first dimension when the model batches, otherwise 1. */
  readonly batchSize: number;
  readonly parameters: Parameters;
  /** Of its sequence; 0 for none. */
  readonly correlationId: number | bigint | string;
  readonly sequenceStart: boolean;
  readonly sequenceEnd: boolean;
  /** 0 for none. */
  readonly timeoutUs: number | bigint;
  /** Aborted when nobody waits for the answer any more. Seen when the model awaits something. */
  readonly signal: AbortSignal;
}

/** Gives the request back, to be executed again: for models with `iterative_sequence`. */
export interface Reschedule {
  readonly reschedule: true;
}

/** What becomes of one request. */
export type InferenceResponse =
  | {
      readonly outputs: readonly OutputTensor[];
      readonly parameters?: Parameters;
    }
  | TritonError
  | Reschedule;
