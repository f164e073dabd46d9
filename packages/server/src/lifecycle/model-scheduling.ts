import { randomUUID } from 'node:crypto';
import { type ModelConfig, TritonError } from '@nereid/protocol';
import type { BackendModel } from '../core/backend.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { type ModelKey, modelIdText } from '../core/model-key.ts';
import type { ResponseCache } from '../core/response-cache.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';
import { CachingScheduler } from '../scheduling/caching-scheduler.ts';
import { DefaultScheduler } from '../scheduling/default-scheduler.ts';
import { DynamicBatchScheduler } from '../scheduling/dynamic-batch-scheduler.ts';
import type { LoadedModelParts } from './loaded-model.ts';

export interface ModelSchedulingOptions {
  readonly key: ModelKey;
  /** Changes with the files that configuration and version come from; null where that is not known. */
  readonly fingerprint: string | null;
  /** Null when the server has none. */
  readonly cache: ResponseCache | null;
  readonly model: BackendModel;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What decides when a model runs, as its configuration asks for. */
export type ModelScheduling = Pick<LoadedModelParts, 'scheduler' | 'batchingReport' | 'cached'>;

/** Makes the scheduler that a model's configuration describes. */
export function scheduleModel(parts: ModelSchedulingOptions): ModelScheduling {
  const { cache } = parts;
  const executing = scheduleExecutions(parts);
  if (cache === null || parts.model.config.response_cache?.enable !== true) {
    return { ...executing, cached: false };
  }
  return {
    ...executing,
    scheduler: cachingScheduler(parts, cache, executing.scheduler),
    cached: true,
  };
}

function scheduleExecutions(parts: ModelSchedulingOptions): Omit<ModelScheduling, 'cached'> {
  const { key, statistics, clock, logger } = parts;
  const modelName = key.name;
  const { instances, config } = parts.model;
  const options = { modelName, instances, statistics, clock };
  if (config.dynamic_batching === null) {
    return { scheduler: new DefaultScheduler(options), batchingReport: null };
  }
  const scheduler = new DynamicBatchScheduler({ ...options, config, logger });
  return { scheduler, batchingReport: () => scheduler.batchingReport() };
}

function cachingScheduler(
  { key, fingerprint, model, statistics, clock }: ModelSchedulingOptions,
  cache: ResponseCache,
  scheduler: Scheduler,
): CachingScheduler {
  const modelVersion = String(key.version);
  // Files that were replaced under the same version number make other answers. Other machines know
  // nothing of this one's files: what they share goes by name and version alone, as in Triton.
  const load = cache.shared ? '' : (fingerprint ?? randomUUID());
  return new CachingScheduler({
    modelName: key.name,
    modelVersion,
    scope: JSON.stringify([modelIdText(key), modelVersion, load]),
    scheduler,
    cache,
    statistics,
    clock,
    preserveOrdering: model.config.dynamic_batching?.preserve_ordering === true,
  });
}

/** @throws TritonError UNSUPPORTED for a scheduler without which the model would answer wrongly. */
export function refuseUnbuiltScheduling(config: ModelConfig): void {
  if (config.ensemble_scheduling !== null) {
    throw new TritonError(
      'UNSUPPORTED',
      `ensemble '${config.name}': ensembles are not supported yet`,
    );
  }
  if (config.sequence_batching !== null) {
    throw new TritonError(
      'UNSUPPORTED',
      `model '${config.name}': sequence batching is not supported yet`,
    );
  }
}
