import type { ModelConfig, TritonError } from '@nereid/protocol';
import type { BackendInstance, BackendModel, BackendReport } from '../core/backend.ts';
import type { ModelKey } from '../core/model-key.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';
import type { OverrideDirectory } from '../repository/override-directory.ts';
import type { BatchingReport } from '../scheduling/batching/batch-counters.ts';
import type { InstanceUser } from '../scheduling/idle-instances.ts';
import type { RateLimitedInstances } from '../scheduling/rate-limiting/rate-limited-instances.ts';
import type { InstanceSet } from './instance-set.ts';
import type { ServedModel } from './served-model.ts';

/** What a version was loaded from. */
export interface VersionOrigin {
  readonly directory: string;
  /** As it was written, before the backend completed it. */
  readonly config: ModelConfig;
  /** Of all files but those of the configuration and of other versions. */
  readonly fingerprint: string;
}

/** What a model version is made of once its backend has loaded it. */
export interface LoadedModelParts {
  readonly key: ModelKey;
  readonly backendModel: BackendModel;
  readonly scheduler: Scheduler;
  /** What the queue did; null for a model whose requests are never joined. */
  readonly batchingReport: (() => BatchingReport) | null;
  /** The version uses the response cache. */
  readonly cached: boolean;
  readonly instanceSet: InstanceSet;
  /** Whose instances may change while it serves; null where the version must be loaded anew for that. */
  readonly instanceUser: InstanceUser | null;
  /** Its instances, where a rate limiter decides when they run. */
  readonly limited: RateLimitedInstances | null;
  /** What it was loaded from, to see whether it must be loaded again. */
  readonly origin: VersionOrigin;
  /** The folder that it was loaded from, where a load request brought it. */
  readonly overrides: OverrideDirectory | null;
  readonly labels: ReadonlyMap<string, readonly string[]>;
  readonly statistics: ModelStatistics;
  readonly loadDurationSecs: number;
  /** Since the Unix epoch. */
  readonly loadedAtMs: number;
}

let lastUseOrder = 0;

/** A model version in memory. The version record that holds it closes it, once. */
export class LoadedModel implements ServedModel {
  readonly key: ModelKey;
  readonly scheduler: Scheduler;
  /** What the queue did; null for a model whose requests are never joined. */
  readonly batchingReport: (() => BatchingReport) | null;
  readonly labels: ReadonlyMap<string, readonly string[]>;
  readonly statistics: ModelStatistics;
  readonly loadDurationSecs: number;
  readonly loadedAtMs: number;
  /** The version uses the response cache. */
  readonly cached: boolean;
  readonly tensorsInPlace: boolean;
  readonly #backendModel: BackendModel;
  readonly #limited: RateLimitedInstances | null;
  readonly #instanceSet: InstanceSet;
  readonly #instanceUser: InstanceUser | null;
  readonly #overrides: OverrideDirectory | null;
  #origin: VersionOrigin;
  #config: ModelConfig;
  #useOrder = 0;
  #references = 0;
  #whenUnused: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: LoadedModelParts) {
    this.key = parts.key;
    this.#config = parts.backendModel.config;
    this.#origin = parts.origin;
    this.#overrides = parts.overrides;
    // Workers that start anew read it again.
    this.#overrides?.retain();
    this.#instanceSet = parts.instanceSet;
    this.#instanceUser = parts.instanceUser;
    this.scheduler = parts.scheduler;
    this.batchingReport = parts.batchingReport;
    this.cached = parts.cached;
    // What a cache compares must be what the model sees; a sequence's state outlives its requests.
    this.tensorsInPlace =
      parts.backendModel.tensorsInPlace === true &&
      !parts.cached &&
      parts.backendModel.config.sequence_batching === null;
    this.labels = parts.labels;
    this.statistics = parts.statistics;
    this.loadDurationSecs = parts.loadDurationSecs;
    this.loadedAtMs = parts.loadedAtMs;
    this.#backendModel = parts.backendModel;
    this.#limited = parts.limited;
  }

  /** Of its fields only `instance_group` and `version_policy` can change. */
  get config(): ModelConfig {
    return this.#config;
  }

  /** What it was loaded from. */
  get origin(): VersionOrigin {
    return this.#origin;
  }

  get directory(): string {
    return this.#origin.directory;
  }

  /** False where the version must be loaded anew to be configured so. */
  canBecome(config: ModelConfig): boolean {
    return this.#instanceUser !== null && this.#instanceSet.canBecome(config);
  }

  /**
   * Goes on with other instances. What runs is not disturbed; resolves when instances that are not wanted any
   * more have ended, of a sequence model when the new ones serve: sequences end when their clients end them.
   *
   * @param warmUp run on each new instance before it gets requests.
   * @throws TritonError when one cannot be made; everything is as it was then.
   */
  async become(
    config: ModelConfig,
    origin: VersionOrigin,
    warmUp: (instance: BackendInstance) => Promise<void>,
  ): Promise<void> {
    if (this.#instanceUser === null) throw new Error('the model must be loaded anew');
    await this.#instanceSet.become(config, this.#instanceUser, this.#limited, warmUp);
    this.#config = config;
    this.#origin = origin;
  }

  /** What was executed on each GPU, by its number. */
  get gpuStatistics(): ReadonlyMap<number, ModelStatistics> {
    return this.#instanceSet.gpuStatistics;
  }

  /** Requests in flight. */
  get references(): number {
    return this.#references;
  }

  /** What the backend tells of the version; null where it tells nothing. */
  get report(): BackendReport | null {
    return this.#backendModel.report?.() ?? null;
  }

  /** What keeps it from taking requests right now, as its backend says; null for nothing. */
  unreadiness(): TritonError | null | Promise<TritonError | null> {
    return this.#backendModel.unreadiness?.() ?? null;
  }

  /** Grows with every request of any model: what has the least was used the longest ago. */
  get useOrder(): number {
    return this.#useOrder;
  }

  retain(): void {
    this.#useOrder = ++lastUseOrder;
    this.#references++;
  }

  release(): void {
    if (this.#references <= 0) {
      throw new Error(`model '${this.key.name}' was released more often than retained`);
    }
    if (--this.#references === 0) this.#whenUnused?.();
  }

  /** Waits for the requests in flight, stops the scheduler, releases the backend's resources. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#references > 0) {
      await new Promise<void>((resolve) => {
        this.#whenUnused = resolve;
      });
    }
    try {
      await this.scheduler.stop();
      await this.#instanceSet.departed();
      this.#limited?.close();
      await this.#backendModel.unload();
    } finally {
      await this.#overrides?.release();
    }
  }
}
