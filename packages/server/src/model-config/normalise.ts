import type { ModelConfig } from '@nereid/protocol';

/** How long a sequence may be idle when the configuration says nothing. */
const sequenceIdleDefaultMicroseconds = 1_000_000;

/**
 * Fills in the defaults that do not depend on the backend: version policy, preferred batch sizes, the
 * idle time of sequences, pinned memory. Normalising twice changes nothing.
 */
export function normaliseConfig(config: ModelConfig): ModelConfig {
  return {
    ...config,
    version_policy: config.version_policy ?? {
      latest: { num_versions: 1 },
      all: null,
      specific: null,
    },
    dynamic_batching: normaliseDynamicBatching(config),
    sequence_batching: normaliseSequenceBatching(config),
    optimization: normaliseOptimization(config),
  };
}

function preferredSizes(given: readonly number[], maxBatchSize: number): readonly number[] {
  return given.length === 0 && maxBatchSize > 0 ? [maxBatchSize] : given;
}

function normaliseDynamicBatching(config: ModelConfig): ModelConfig['dynamic_batching'] {
  const batching = config.dynamic_batching;
  if (batching === null) return null;
  return {
    ...batching,
    preferred_batch_size: preferredSizes(batching.preferred_batch_size, config.max_batch_size),
  };
}

function normaliseSequenceBatching(config: ModelConfig): ModelConfig['sequence_batching'] {
  const batching = config.sequence_batching;
  if (batching === null) return null;
  const { oldest, max_sequence_idle_microseconds: idle } = batching;
  return {
    ...batching,
    max_sequence_idle_microseconds: idle === 0 ? sequenceIdleDefaultMicroseconds : idle,
    oldest:
      oldest === null
        ? null
        : {
            ...oldest,
            preferred_batch_size: preferredSizes(
              oldest.preferred_batch_size,
              config.max_batch_size,
            ),
          },
  };
}

/** An ensemble has no optimization: setting one would make it invalid. */
function normaliseOptimization(config: ModelConfig): ModelConfig['optimization'] {
  if (config.ensemble_scheduling !== null) return config.optimization;
  const given = config.optimization;
  return {
    graph: given?.graph ?? null,
    priority: given?.priority ?? 'PRIORITY_DEFAULT',
    cuda: given?.cuda ?? null,
    execution_accelerators: given?.execution_accelerators ?? null,
    input_pinned_memory: given?.input_pinned_memory ?? { enable: true },
    output_pinned_memory: given?.output_pinned_memory ?? { enable: true },
    gather_kernel_buffer_threshold: given?.gather_kernel_buffer_threshold ?? 0,
    eager_batching: given?.eager_batching ?? false,
  };
}
