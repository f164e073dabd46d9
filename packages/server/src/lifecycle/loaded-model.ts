import type { ModelConfig, TritonError } from '@nereid/protocol';
import type { BackendModel, BackendReport } from '../core/backend.ts';
import type { ModelKey } from '../core/model-key.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';
import type { BatchingReport } from '../scheduling/batch-counters.ts';
import type { RateLimitedInstances } from '../scheduling/rate-limited-instances.ts';
import type { ServedModel } from './served-model.ts';

/** What a model version is made of once its backend has loaded it. */
export interface LoadedModelParts {
  readonly key: ModelKey;
  readonly backendModel: BackendModel;
  readonly scheduler: Scheduler;
  /** What the queue did; null for a model whose requests are never joined. */
  readonly batchingReport: (() => BatchingReport) | null;
  /** The version uses the response cache. */
  readonly cached: boolean;
  /** Its instances, where a rate limiter decides when they run. */
  readonly limited: RateLimitedInstances | null;
  readonly labels: ReadonlyMap<string, readonly string[]>;
  readonly statistics: ModelStatistics;
  readonly loadDurationSecs: number;
}

/** A model version in memory. The version record that holds it closes it, once. */
export class LoadedModel implements ServedModel {
  readonly key: ModelKey;
  readonly config: ModelConfig;
  readonly scheduler: Scheduler;
  /** What the queue did; null for a model whose requests are never joined. */
  readonly batchingReport: (() => BatchingReport) | null;
  readonly labels: ReadonlyMap<string, readonly string[]>;
  readonly statistics: ModelStatistics;
  readonly loadDurationSecs: number;
  /** The version uses the response cache. */
  readonly cached: boolean;
  readonly tensorsInPlace: boolean;
  readonly #backendModel: BackendModel;
  readonly #limited: RateLimitedInstances | null;
  #references = 0;
  #whenUnused: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: LoadedModelParts) {
    this.key = parts.key;
    this.config = parts.backendModel.config;
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
    this.#backendModel = parts.backendModel;
    this.#limited = parts.limited;
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

  retain(): void {
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
    await this.scheduler.stop();
    this.#limited?.close();
    await this.#backendModel.unload();
  }
}
