import type { Tensor } from './tensor/tensor.ts';

/** A request's parameter: what a model or the server is told beside the tensors. */
export type ParameterValue = string | number | bigint | boolean;

/** Part of a shared memory region that both sides have mapped. */
export interface SharedMemoryRange {
  /** Name under which it was registered. */
  readonly region: string;
  readonly byteSize: number;
  /** From the start of the region. Default 0. */
  readonly offset?: number;
}

/** An input whose data the server finds in shared memory. */
export interface SharedMemoryInput extends SharedMemoryRange {
  readonly datatype: Tensor['datatype'];
  readonly shape: readonly number[];
}

/** Inputs by name. */
export type InferInputs = Readonly<Record<string, Tensor | SharedMemoryInput>>;

/** An output that is asked for, and how. */
export interface RequestedOutput {
  readonly name: string;
  /** The best so many classes instead of the scores: `SCORE:INDEX:LABEL` as BYTES. */
  readonly classCount?: number;
  /** The server writes it there, and the result has no data for it. */
  readonly sharedMemory?: SharedMemoryRange;
  /** Over HTTP: false asks for numbers in JSON. Default true. */
  readonly binary?: boolean;
}

/** The place of a request in a sequence, for models with state. */
export interface SequencePlace {
  /** The same for all requests of a sequence; text, or a number other than 0. */
  readonly id: string | number | bigint;
  readonly start?: boolean;
  readonly end?: boolean;
}

/** Compression of messages. */
export type Compression = 'gzip' | 'deflate';

/** What can be said about any request. */
export interface CallOptions {
  /** Ends the request, here and at the server. */
  readonly signal?: AbortSignal;
  /** How long to wait for the answer. Default: the client's. */
  readonly timeoutMs?: number;
  /** Headers, or metadata over gRPC. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What can be said about an inference. */
export interface InferOptions extends CallOptions {
  /** Default: the version that the server's policy makes the newest. */
  readonly version?: string | number;
  /** Comes back with the result, and stands in logs and traces. */
  readonly id?: string;
  /** Outputs that are wanted. Default: all. */
  readonly outputs?: readonly (string | RequestedOutput)[];
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  readonly sequence?: SequencePlace;
  /** 1 is the most urgent; for models with priority levels. */
  readonly priority?: number;
  /** How long the request may wait in the server's queue, for models that allow it. */
  readonly queueTimeoutMicroseconds?: number;
  /** Over HTTP: false sends the inputs as numbers in JSON. Default true. */
  readonly binary?: boolean;
  /** Compresses the request. */
  readonly requestCompression?: Compression;
  /** Asks for a compressed answer. */
  readonly responseCompression?: Compression;
}

/** Whether an input lies in shared memory. */
export function isSharedMemory(input: Tensor | SharedMemoryInput): input is SharedMemoryInput {
  return 'region' in input;
}

/** The parameters that the wire has for a request's options, in both protocols the same. */
export function requestParameters(options: InferOptions): Map<string, ParameterValue> {
  const { parameters, sequence, priority, queueTimeoutMicroseconds } = options;
  const all = new Map<string, ParameterValue>(Object.entries(parameters ?? {}));
  if (sequence !== undefined) {
    all.set('sequence_id', sequence.id);
    all.set('sequence_start', sequence.start === true);
    all.set('sequence_end', sequence.end === true);
  }
  if (priority !== undefined) all.set('priority', priority);
  if (queueTimeoutMicroseconds !== undefined) all.set('timeout', queueTimeoutMicroseconds);
  return all;
}

/** The parameters that the wire has for data in shared memory. */
export function sharedMemoryParameters(range: SharedMemoryRange): Map<string, ParameterValue> {
  const parameters = new Map<string, ParameterValue>([
    ['shared_memory_region', range.region],
    ['shared_memory_byte_size', range.byteSize],
  ]);
  if (range.offset !== undefined && range.offset !== 0) {
    parameters.set('shared_memory_offset', range.offset);
  }
  return parameters;
}
