import type { ModelConfig, ModelDynamicBatching } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { ModelStatistics } from '../../observability/model-statistics.ts';
import type { BatchCounters } from '../batching/batch-counters.ts';
import { DynamicBatcher } from '../batching/dynamic-batcher.ts';
import type { MayMerge } from '../batching/mergeable-requests.ts';
import type { Turn } from '../turn.ts';
import { DirectBatcher } from './direct-batcher.ts';
import { OldestBatcher } from './oldest-batcher.ts';
import { PaddingRows } from './padding-execution.ts';
import type { SequenceBatcher, SlotOwner } from './sequence-batcher.ts';
import type { SequenceControls } from './sequence-controls.ts';

/** What the batchers of one model have in common. */
export interface SequenceBatcherParts {
  readonly owner: SlotOwner;
  readonly modelName: string;
  /** With `sequence_batching`. */
  readonly config: ModelConfig;
  readonly controls: SequenceControls;
  readonly mayMerge: MayMerge;
  readonly statistics: ModelStatistics;
  readonly counters: BatchCounters;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly turn: Turn;
  readonly queueRequestsMax?: number;
  /** Requests that have to wait before the first is executed, in strategy `oldest`; 0 once they did. */
  readonly heldRequests: () => number;
  /** Nothing is sent while this is true, in strategy `direct`. */
  readonly isHeld: () => boolean;
}

/** Makes the batcher of an instance. */
export type SequenceBatcherMaker = (instance: BackendInstance) => SequenceBatcher;

/** By the strategy that the configuration names; `direct` where it names none. */
export function sequenceBatcherMaker(parts: SequenceBatcherParts): SequenceBatcherMaker {
  const { config, owner } = parts;
  const oldest = config.sequence_batching?.oldest ?? null;
  if (oldest === null) {
    const padding = new PaddingRows(config, parts.controls.notReady());
    return (instance) => new DirectBatcher({ ...parts, instance, padding });
  }
  const asked = oldest.max_candidate_sequences;
  const slotCount = asked > 0 ? asked : Math.max(1, config.max_batch_size);
  const batching = { ...noPriorities, ...oldest };
  return (instance) => {
    const startAtRequests = parts.heldRequests();
    const instances = [instance];
    const batcher = new DynamicBatcher({ ...parts, batching, instances, startAtRequests });
    return new OldestBatcher(owner, slotCount, batcher);
  };
}

const noPriorities: Pick<
  ModelDynamicBatching,
  'priority_levels' | 'default_priority_level' | 'default_queue_policy' | 'priority_queue_policy'
> = {
  priority_levels: 0,
  default_priority_level: 0,
  default_queue_policy: null,
  priority_queue_policy: new Map(),
};
