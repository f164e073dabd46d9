import type { DataType } from '@nereid/protocol/data-types';
import type { CallOptions, InferOptions } from './infer-request.ts';
import type { InferResult } from './infer-result.ts';
import type { AnyModel, InputsOf, ModelTypes } from './model-types.ts';

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: DataType;
  /** -1 for a size that varies. */
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** The configuration that a model is served with, as the JSON form of Triton's ModelConfig. */
export interface ModelConfiguration {
  readonly name: string;
  readonly max_batch_size: number;
  readonly [field: string]: unknown;
}

export interface RepositoryEntry {
  readonly name: string;
  /** '' for a model that was never loaded. */
  readonly version: string;
  readonly state: 'UNKNOWN' | 'READY' | 'UNAVAILABLE' | 'LOADING' | 'UNLOADING' | '';
  readonly reason: string;
}

/** How often something happened and how long it took in all. */
export interface StatisticDuration {
  readonly count: number;
  readonly ns: number;
}

export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<
    Record<
      | 'success'
      | 'fail'
      | 'queue'
      | 'compute_input'
      | 'compute_infer'
      | 'compute_output'
      | 'cache_hit'
      | 'cache_miss',
      StatisticDuration
    >
  >;
  readonly batch_stats: readonly {
    readonly batch_size: number;
    readonly compute_input: StatisticDuration;
    readonly compute_infer: StatisticDuration;
    readonly compute_output: StatisticDuration;
  }[];
  readonly [more: string]: unknown;
}

/** Settings by name; null clears one, so that the model follows the server again. */
export type TraceSettings = Readonly<Record<string, string | readonly string[] | null>>;

export type LogSettings = Readonly<Record<string, string | number | boolean>>;

export interface SystemSharedMemoryRegion {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byte_size: number;
}

export interface CudaSharedMemoryRegion {
  readonly name: string;
  readonly device_id: number;
  readonly byte_size: number;
}

export interface LoadOptions extends CallOptions {
  /** A configuration to use instead of the one on disk: JSON text, or the object. */
  readonly config?: string | object;
  /** Contents by path in the model's folder (`1/model.onnx`), used instead of what is on disk. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

export interface UnloadOptions extends CallOptions {
  /** Unloads the models that only this ensemble uses, too. */
  readonly unloadDependents?: boolean;
}

/**
 * What a client can ask of a server, the same over HTTP and gRPC. Every method rejects with an
 * `InferenceError` when the server refuses, fails, or cannot be reached.
 */
export interface InferenceClient {
  isServerLive(options?: CallOptions): Promise<boolean>;
  isServerReady(options?: CallOptions): Promise<boolean>;
  isModelReady(name: string, version?: string | number, options?: CallOptions): Promise<boolean>;
  serverMetadata(options?: CallOptions): Promise<ServerMetadata>;
  modelMetadata(
    name: string,
    version?: string | number,
    options?: CallOptions,
  ): Promise<ModelMetadata>;
  modelConfig(
    name: string,
    version?: string | number,
    options?: CallOptions,
  ): Promise<ModelConfiguration>;
  /** @param readyOnly leaves out what does not serve. */
  repositoryIndex(readyOnly?: boolean, options?: CallOptions): Promise<RepositoryEntry[]>;
  loadModel(name: string, options?: LoadOptions): Promise<void>;
  unloadModel(name: string, options?: UnloadOptions): Promise<void>;
  /** Of all models without a name, of all versions without a version. */
  statistics(
    name?: string,
    version?: string | number,
    options?: CallOptions,
  ): Promise<ModelStatistics[]>;
  /** Of the server without a model. */
  traceSettings(model?: string, options?: CallOptions): Promise<TraceSettings>;
  updateTraceSettings(
    settings: TraceSettings,
    model?: string,
    options?: CallOptions,
  ): Promise<TraceSettings>;
  logSettings(options?: CallOptions): Promise<LogSettings>;
  updateLogSettings(settings: LogSettings, options?: CallOptions): Promise<LogSettings>;
  systemSharedMemoryStatus(
    name?: string,
    options?: CallOptions,
  ): Promise<SystemSharedMemoryRegion[]>;
  /** @param key Of shm_open, as `/region`. */
  registerSystemSharedMemory(
    name: string,
    key: string,
    byteSize: number,
    offset?: number,
    options?: CallOptions,
  ): Promise<void>;
  /** Of all regions without a name. */
  unregisterSystemSharedMemory(name?: string, options?: CallOptions): Promise<void>;
  cudaSharedMemoryStatus(name?: string, options?: CallOptions): Promise<CudaSharedMemoryRegion[]>;
  /**
   * @param handle The 64 bytes that `cudaIpcGetMemHandle` gives for memory of this process.
   * @param deviceId Number of the GPU that the memory is on. Default 0.
   */
  registerCudaSharedMemory(
    name: string,
    handle: Uint8Array,
    byteSize: number,
    deviceId?: number,
    options?: CallOptions,
  ): Promise<void>;
  /** Of all regions without a name. */
  unregisterCudaSharedMemory(name?: string, options?: CallOptions): Promise<void>;
  /** With the types that `nereid types` wrote of a model, `infer<Digits>('digits', …)`, they are checked. */
  infer<Model extends ModelTypes = AnyModel>(
    model: Model['name'],
    inputs: InputsOf<Model>,
    options?: InferOptions,
  ): Promise<InferResult<Model>>;
  /** Ends connections; what is in flight is cancelled. */
  close(): Promise<void>;
}
