import { type ModelConfig, TritonError } from '@nereid/protocol';
import type { BackendModel } from '../core/backend.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';
import { DefaultScheduler } from '../scheduling/default-scheduler.ts';
import { DynamicBatchScheduler } from '../scheduling/dynamic-batch-scheduler.ts';
import type { LoadedModelParts } from './loaded-model.ts';

export interface ModelSchedulingOptions {
  readonly modelName: string;
  readonly model: BackendModel;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What decides when a model runs, as its configuration asks for. */
export type ModelScheduling = Pick<LoadedModelParts, 'scheduler' | 'batchingReport'>;

/** Makes the scheduler that a model's configuration describes. */
export function scheduleModel(parts: ModelSchedulingOptions): ModelScheduling {
  const { modelName, statistics, clock, logger } = parts;
  const { instances, config } = parts.model;
  const options = { modelName, instances, statistics, clock };
  if (config.dynamic_batching === null) {
    return { scheduler: new DefaultScheduler(options), batchingReport: null };
  }
  const scheduler = new DynamicBatchScheduler({ ...options, config, logger });
  return { scheduler, batchingReport: () => scheduler.batchingReport() };
}

/** @throws TritonError UNSUPPORTED for a scheduler without which the model would answer wrongly. */
export function refuseUnbuiltScheduling(config: ModelConfig): void {
  if (config.ensemble_scheduling !== null) {
    throw new TritonError(
      'UNSUPPORTED',
      `ensemble '${config.name}': ensembles are not supported yet`,
    );
  }
  if (config.batch_input.length > 0 || config.batch_output.length > 0) {
    throw new TritonError(
      'UNSUPPORTED',
      `model '${config.name}': batch_input and batch_output are not supported yet`,
    );
  }
  const ragged = config.input.find((input) => input.allow_ragged_batch);
  if (ragged !== undefined) {
    throw new TritonError(
      'UNSUPPORTED',
      `model '${config.name}': ragged batches (input '${ragged.name}') are not supported yet`,
    );
  }
  if (config.sequence_batching !== null) {
    throw new TritonError(
      'UNSUPPORTED',
      `model '${config.name}': sequence batching is not supported yet`,
    );
  }
}
