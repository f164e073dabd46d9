import { type ModelConfig, TritonError } from '@nereid/protocol';

/** Model parameters that ask for adaptive batching. */
const adaptiveParameter = 'adaptive';
const latencyTargetParameter = 'adaptive_latency_target_us';

/** What a configuration says of adaptive batching. */
export interface AdaptiveSettings {
  /** Null: the highest throughput, whatever a request then takes. */
  readonly latencyTargetNs: number | null;
}

/**
 * @returns null for a model that does not ask for it.
 * @throws TritonError INVALID_ARG for settings that contradict each other or mean nothing.
 */
export function adaptiveSettingsOf(config: ModelConfig): AdaptiveSettings | null {
  const target = config.parameters.get(latencyTargetParameter)?.string_value ?? null;
  if (!asksForAdaptive(config)) {
    if (target === null) return null;
    throw refusal(
      config,
      `parameter '${latencyTargetParameter}' needs parameter '${adaptiveParameter}' to be "true"`,
    );
  }
  const batching = config.dynamic_batching;
  if (batching === null) {
    throw refusal(config, `parameter '${adaptiveParameter}' needs dynamic_batching { }`);
  }
  // The largest size alone is what a normalised configuration has that names none.
  const preferred = batching.preferred_batch_size.filter((size) => size !== config.max_batch_size);
  if (preferred.length > 0 || Number(batching.max_queue_delay_microseconds) > 0) {
    throw refusal(
      config,
      `with parameter '${adaptiveParameter}', preferred_batch_size and max_queue_delay_microseconds are learned: leave them out`,
    );
  }
  return { latencyTargetNs: target === null ? null : targetNs(config, target) };
}

function asksForAdaptive(config: ModelConfig): boolean {
  const value = config.parameters.get(adaptiveParameter)?.string_value ?? 'false';
  if (value !== 'true' && value !== 'false') {
    throw refusal(
      config,
      `parameter '${adaptiveParameter}' must be "true" or "false", not "${value}"`,
    );
  }
  return value === 'true';
}

function targetNs(config: ModelConfig, text: string): number {
  const us = /^\d{1,12}$/u.test(text) ? Number(text) : 0;
  if (us > 0) return us * 1000;
  throw refusal(
    config,
    `parameter '${latencyTargetParameter}' must be a number of microseconds, 1 or more, not "${text}"`,
  );
}

function refusal(config: ModelConfig, message: string): TritonError {
  return new TritonError('INVALID_ARG', `model '${config.name}': ${message}`);
}
