import { randomUUID } from 'node:crypto';
import type { BackendModel } from '../core/backend.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { type ModelKey, modelIdText } from '../core/model-key.ts';
import type { ResponseCache } from '../core/response-cache.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { StepModels } from '../core/step-models.ts';
import { ModelStatistics } from '../observability/model-statistics.ts';
import { adaptiveSettingsOf } from '../scheduling/batching/adaptive/adaptive-settings.ts';
import { DynamicBatchScheduler } from '../scheduling/batching/dynamic-batch-scheduler.ts';
import { CachingScheduler } from '../scheduling/caching/caching-scheduler.ts';
import { DefaultScheduler } from '../scheduling/default-scheduler.ts';
import { EnsembleScheduler } from '../scheduling/ensemble/ensemble-scheduler.ts';
import { RateLimitedInstances } from '../scheduling/rate-limiting/rate-limited-instances.ts';
import type { RateLimiter } from '../scheduling/rate-limiting/rate-limiter.ts';
import type { StateSettings } from '../scheduling/sequence/kept-states.ts';
import type { SchedulerHold } from '../scheduling/sequence/scheduler-hold.ts';
import { SequenceBatchScheduler } from '../scheduling/sequence/sequence-batch-scheduler.ts';
import { InstanceSet } from './instance-set.ts';
import type { LoadedModelParts } from './loaded-model.ts';

export interface ModelSchedulingOptions {
  readonly key: ModelKey;
  /** Changes with the files that configuration and version come from; null where that is not known. */
  readonly fingerprint: string | null;
  /** Null when the server has none. */
  readonly cache: ResponseCache | null;
  /** Null with --rate-limit=off. */
  readonly limiter: RateLimiter | null;
  readonly model: BackendModel;
  /** The implicit states of a sequence model, as `readStateSettings` gives them. */
  readonly states: readonly StateSettings[];
  /** Who executes the steps of an ensemble. */
  readonly stepModels: StepModels;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Schedulers that wait for company send nothing before this. */
  readonly hold: SchedulerHold;
}

/** What decides when a model runs, as its configuration asks for. */
export type ModelScheduling = Pick<
  LoadedModelParts,
  'scheduler' | 'batchingReport' | 'cached' | 'limited' | 'instanceSet' | 'instanceUser'
>;

/**
 * Makes the scheduler that a model's configuration describes.
 * @throws TritonError INVALID_ARG for instances that the rate limiter could never let run.
 */
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
  const { key, statistics, clock, logger, states, hold } = parts;
  const modelName = key.name;
  const { config } = parts.model;
  const newStatistics = () => new ModelStatistics(clock);
  const instanceSet = new InstanceSet(parts.model, parts.limiter, newStatistics, logger);
  if (config.ensemble_scheduling !== null) {
    const modelVersion = String(key.version);
    const models = parts.stepModels;
    const options = { config, modelVersion, models, statistics, clock, logger };
    const scheduler = new EnsembleScheduler(options);
    return { scheduler, instanceUser: null, instanceSet, batchingReport: null, limited: null };
  }
  const limited = limitedInstances(parts, instanceSet);
  const instances = limited?.instances ?? instanceSet.scheduled;
  const options = { modelName, instances, statistics, clock };
  const adaptive = adaptiveSettingsOf(config);
  const common = { limited, instanceSet };
  if (config.sequence_batching !== null) {
    const scheduler = new SequenceBatchScheduler({ ...options, config, logger, states, hold });
    const batchingReport = () => scheduler.batchingReport();
    return { ...common, scheduler, instanceUser: scheduler, batchingReport };
  }
  if (config.dynamic_batching === null) {
    const scheduler = new DefaultScheduler(options);
    return { ...common, scheduler, instanceUser: scheduler, batchingReport: null };
  }
  const scheduler = new DynamicBatchScheduler({
    ...options,
    config,
    logger,
    adaptive,
    startAtRequests: hold.requestCount,
  });
  const batchingReport = () => scheduler.batchingReport();
  return { ...common, scheduler, instanceUser: scheduler, batchingReport };
}

function limitedInstances(
  { key, limiter, model }: ModelSchedulingOptions,
  instances: InstanceSet,
): RateLimitedInstances | null {
  if (limiter === null || model.instances.length === 0) return null;
  const bound = model.config.sequence_batching !== null;
  return new RateLimitedInstances(key.name, instances.limited, limiter, bound);
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
