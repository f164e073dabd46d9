import type { DataType } from '@nereid/protocol';

/**
 * The states that the server keeps for a sequence, as the backend sees them that executes one of its
 * requests. Their values are among the request's inputs, under the states' input names; what the model
 * makes of them is handed over here. Valid until the execution is answered or rescheduled.
 */
export interface SequenceStates {
  /** Names of the model's outputs that hold new values. */
  readonly outputNames: readonly string[];
  /**
   * Memory to write a state's new value into, aligned to 64 bytes; it does not move. The memory of the
   * input itself where the configuration says `use_same_buffer_for_input_output`.
   * @param shape With the batch dimension, 1, where the model batches.
   * @throws TritonError INVALID_ARG for a name that is no state's, or for more than a state may hold.
   */
  allocate(
    outputName: string,
    dataType: DataType,
    shape: readonly number[],
    byteLength: number,
  ): Uint8Array;
  /** What was allocated last and written to becomes what the sequence's next request gets. */
  commit(outputName: string): void;
}
