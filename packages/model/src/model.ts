import type { ModelMetrics } from './model-metrics.ts';
import type { InferenceRequest, InferenceResponse } from './request.ts';
import type { CallAnswer, CallOptions } from './server-call.ts';

/** An input or output as `config.pbtxt` has it. */
export interface ConfigTensor {
  name: string;
  /** `TYPE_FP32`, `TYPE_STRING`, … */
  data_type: string;
  dims: number[];
  optional?: boolean;
  [field: string]: unknown;
}

/** What `autoCompleteConfig` may change of the configuration; the rest is there to read. */
export interface CompletableConfig {
  name: string;
  max_batch_size: number;
  input: ConfigTensor[];
  output: ConfigTensor[];
  dynamic_batching?: Record<string, unknown> | null;
  model_transaction_policy?: { decoupled: boolean } | null;
  parameters: Record<string, { string_value: string }>;
  [field: string]: unknown;
}

/** Writes to the server's log, with the instance's name in front. */
export interface ModelLogger {
  error(message: string): void;
  warning(message: string): void;
  info(message: string): void;
  verbose(message: string): void;
}

/** The server's repository, as a model may use it. Not its own models' while it loads. */
export interface ModelControl {
  /** @throws TritonError */
  load(
    name: string,
    options?: {
      /** JSON, instead of the configuration on disk. */
      readonly config?: string;
      /** Files of the model by path, instead of those on disk. */
      readonly files?: Readonly<Record<string, Uint8Array>>;
    },
  ): Promise<void>;
  /** @throws TritonError */
  unload(name: string, options?: { readonly dependents?: boolean }): Promise<void>;
  isReady(name: string, version?: number): Promise<boolean>;
}

/** What an instance of a model is given. */
export interface ModelContext {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly instanceName: string;
  /** CPU, GPU or MODEL. */
  readonly instanceKind: string;
  /** Number of the GPU; 0 for an instance on none. */
  readonly deviceId: number;
  /** Folder that holds config.pbtxt and the version folders. */
  readonly modelDirectory: string;
  /** Folder of this version, with the model's file. */
  readonly versionDirectory: string;
  /** The complete configuration, as JSON has it. */
  readonly config: CompletableConfig;
  /** The configuration's `parameters`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly logger: ModelLogger;
  readonly metrics: ModelMetrics;
  readonly models: ModelControl;
  /**
   * Asks another model, which answers once.
   * @throws TritonError with what the other model, or the server, says.
   */
  infer(model: string, options: CallOptions): Promise<CallAnswer>;
  /** Asks another model, decoupled or not, and gives each of its answers. To leave early cancels the call. @throws TritonError */
  stream(model: string, options: CallOptions): AsyncGenerator<CallAnswer, void, undefined>;
}

type Maybe<T> = T | Promise<T>;

/**
 * A model: the default export of the model's file, as a class that is made once for each instance or as an
 * object, or the file's exports themselves. A class may have a static
 * `autoCompleteConfig(config: CompletableConfig)`, others have it beside the rest: it changes the
 * configuration, or returns another one, before any instance is made.
 */
export interface Model {
  /** Before the first request. What it throws keeps the model from loading. */
  initialize?(context: ModelContext): Maybe<void>;
  /**
   * Executes requests that run together: one, unless the model batches dynamically. Never called again
   * before what it returned is settled. Returns one response a request, in their order.
   *
   * That of a decoupled model is given one request at a time, and is an async generator that yields its
   * responses, any number of them.
   */
  execute(
    requests: readonly InferenceRequest[],
    context: ModelContext,
  ):
    | Maybe<readonly InferenceResponse[]>
    | AsyncIterable<InferenceResponse>
    | Iterable<InferenceResponse>;
  /** Whether the model would take requests; asked by questions about readiness. */
  isReady?(): Maybe<boolean>;
  /** Before the instance ends. */
  finalize?(): Maybe<void>;
}
