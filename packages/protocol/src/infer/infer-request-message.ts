import type { Tensor } from '../tensor.ts';

/** A request or response parameter. The kinds are those of Triton's C API and of gRPC's InferParameter. */
export type ParameterValue =
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: number | bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'double'; readonly value: number };

/** The parameters of a request: those with a meaning of their own, and the client's own ones. */
export interface RequestParameters {
  /** Correlation id; null when there is none. */
  readonly sequenceId: number | bigint | string | null;
  readonly sequenceStart: boolean;
  readonly sequenceEnd: boolean;
  /** 0 is the model's default, 1 the highest. */
  readonly priority: number | bigint;
  /** Microseconds in the queue; 0 for none. */
  readonly timeoutUs: number | bigint;
  /** Outputs come as binary data when the request names no outputs. */
  readonly binaryDataOutput: boolean;
  readonly custom: ReadonlyMap<string, ParameterValue>;
}

/** Where in a registered shared-memory region a tensor lies. Integers as they were sent: of up to 64 bits. */
export interface SharedMemoryRange {
  readonly region: string;
  readonly offset: number | bigint;
  readonly byteSize: number | bigint;
}

/**
 * Called for every use of a shared-memory region; throws where it is not allowed or not there. Gives
 * the bytes of an input, whose content is looked at only when the whole request is read; what it
 * gives for an output is not used.
 *
 * @param dataType Of an input, as it was sent: it may be none.
 */
export type SharedMemoryLookup = (
  range: SharedMemoryRange,
  direction: 'input' | 'output',
  dataType?: string,
) => Uint8Array;

/** An output that the request names, and how it wants to have it. */
export interface RequestedOutput {
  readonly name: string;
  readonly binary: boolean;
  /** How many classes to answer with instead of the tensor; 0 for the tensor itself. */
  readonly classificationCount: number;
  readonly sharedMemory: SharedMemoryRange | null;
}

/** An input whose data is in shared memory. */
export interface SharedMemoryInput extends SharedMemoryRange {
  readonly name: string;
}

/** An inference request as it came over a wire, syntax checked, not yet held against a model. */
export interface InferRequestMessage {
  /** '' when the client gave none. */
  readonly id: string;
  readonly parameters: RequestParameters;
  /** In the order of the request. Data are views of the request's body, or of memory of their own. */
  readonly inputs: readonly Tensor[];
  /** The whole body when it is the one input of a model with one input; `inputs` is empty then. */
  readonly rawInput: Uint8Array | null;
  /** Empty: all outputs of the model. A name can come only once. */
  readonly outputs: readonly RequestedOutput[];
}

/** Parameters of a request that names none. */
export const defaultRequestParameters: RequestParameters = {
  sequenceId: null,
  sequenceStart: false,
  sequenceEnd: false,
  priority: 0,
  timeoutUs: 0,
  binaryDataOutput: false,
  custom: new Map(),
};
