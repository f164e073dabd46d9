import type { ModelConfig, ModelInstanceGroup, TritonError } from '@nereid/protocol';
import type { Clock } from './clock.ts';
import type { Execution } from './execution.ts';
import type { Logger } from './logger.ts';

/** What a backend is told about the model version that it is to load. */
export interface BackendLoadContext {
  readonly modelName: string;
  readonly version: number;
  /** Folder that holds config.pbtxt and the version folders. */
  readonly modelDirectory: string;
  /** Folder of this version, with the model file in it. */
  readonly versionDirectory: string;
  /** Normalised, not yet completed. The backend may fill in what the model file tells. */
  readonly config: ModelConfig;
  /** The text that `config` was read from, so that errors can name the line; null when there is none. */
  readonly configSource: { readonly fileName: string; readonly text: string } | null;
  /** False with --disable-auto-complete-config: the configuration is complete or wrong. */
  readonly autoComplete: boolean;
  /** `--backend-config=<backend>,key=value` and the global `--backend-config=key=value`, this backend's over the global. */
  readonly backendConfig: ReadonlyMap<string, string>;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * One place where requests can be executed, one batch at a time. Owned by the BackendModel that
 * made it; its scheduler calls `execute` only when the previous call has ended, but for `executionsAhead`.
 */
export interface BackendInstance {
  /** `<group>_<index>`, as logs and Python models see it. */
  readonly name: string;
  /**
   * How many batches it takes while it runs another: it runs them in their order and one at a time, and each
   * begins, as its times tell, when the one before it has ended. Absent is 0.
   */
  readonly executionsAhead?: number;
  /**
   * Answers every request of the batch on its sink, failing each that cannot be answered, and fills
   * in the times. Never throws or rejects: a failure is an answer. Returns null when the work was
   * done inline, or a promise that resolves when the instance is free again. Answers that are given
   * after that belong to executions that were marked `detached` before it.
   */
  execute(batch: readonly Execution[]): Promise<void> | null;
}

/** One instance that a configuration asks for: where it runs, and as part of which group. */
export interface InstancePlace {
  /** `<group>_<index>`. */
  readonly name: string;
  readonly group: ModelInstanceGroup;
  /** Number of the GPU; 0 for an instance on none. */
  readonly device: number;
}

/** Memory of a model that can be told apart: its files, or the processes that run it. */
export type ModelMemoryKind = 'model_files' | 'worker_resident';

/** What a loaded version tells of itself while it runs, for the metrics. */
export interface BackendReport {
  readonly memoryBytes: ReadonlyMap<ModelMemoryKind, number>;
  /** Worker processes started in place of one that died; null where there are none. */
  readonly workerRestarts: number | null;
}

/** A loaded model version. Its owner (the life cycle) calls `unload` exactly once, when nothing runs. */
export interface BackendModel {
  /** Completed and checked against the model file. */
  readonly config: ModelConfig;
  readonly instances: readonly BackendInstance[];
  /** Called for every look at the metrics: cheap. Missing where there is nothing to tell. */
  report?(): BackendReport;
  /**
   * What keeps a model that is loaded from taking requests right now; null for nothing. Missing where a
   * backend cannot tell more than that the model is loaded. Never rejects.
   */
  unreadiness?(): TritonError | null | Promise<TritonError | null>;
  /**
   * True where tensors are read and written only by this process, not by the kernel for it, and only
   * until the answer: they may lie in memory that clients share then. Absent is false.
   */
  readonly tensorsInPlace?: boolean;
  /**
   * True when `addInstance` can make this one while the model serves. Missing, with the two below, where a
   * model must be loaded anew for other instances.
   */
  acceptsInstance?(place: InstancePlace): boolean;
  /**
   * Makes one more instance.
   * @param config what the model is configured as from now on. @throws TritonError
   */
  addInstance?(place: InstancePlace, config: ModelConfig): Promise<BackendInstance>;
  /** Releases an instance on which nothing runs and nothing will. */
  removeInstance?(instance: BackendInstance): Promise<void>;
  /** Releases every native resource. Memory is back with the allocator when it resolves. */
  unload(): Promise<void>;
}

/** A kind of model that the server can run. One object for the life of the server. */
export interface Backend {
  readonly name: string;
  /**
   * False where its instances cannot be on a GPU although there is one: those that are not said to be go to
   * the CPU then. Missing is true.
   */
  readonly usesGpus?: boolean;
  /** @throws TritonError whose message becomes the version's reason in the repository index. */
  loadModel(context: BackendLoadContext): Promise<BackendModel>;
  /** After the last model is gone. */
  shutdown(): Promise<void>;
}
