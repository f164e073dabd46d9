import type { ModelConfig, ModelDynamicBatching, ModelQueuePolicy } from '@nereid/protocol';
import { type ConfigSource, invalidConfig } from './config-source.ts';

/** @throws ModelConfigError INVALID_ARG */
export function validateDynamicBatching(config: ModelConfig, source: ConfigSource | null): void {
  const batching = config.dynamic_batching;
  if (batching === null) return;
  for (const [index, size] of batching.preferred_batch_size.entries()) {
    const path = ['dynamic_batching', 'preferred_batch_size', index];
    if (size <= 0) {
      const message = `dynamic batching preferred size must be positive for ${config.name}`;
      throw invalidConfig(message, source, path, 'use 1 or more, or leave it out');
    }
    if (size > config.max_batch_size) {
      const message = `dynamic batching preferred size must be <= max batch size for ${config.name}`;
      const fix = `use at most ${config.max_batch_size}, or raise max_batch_size`;
      throw invalidConfig(message, source, path, fix);
    }
  }
  validatePriorities(config, batching, source);
  if (batching.preserve_ordering) validateOrdering(config, batching, source);
}

function validatePriorities(
  config: ModelConfig,
  batching: ModelDynamicBatching,
  source: ConfigSource | null,
): void {
  const { priority_levels: levels, default_priority_level: level } = batching;
  if (BigInt(levels) === 0n) return;
  if (level < 1 || level > levels) {
    const message = `default priority level must be in range [1, ${levels}] for ${config.name}`;
    const path = ['dynamic_batching', 'default_priority_level'];
    throw invalidConfig(
      message,
      source,
      path,
      `set it to a level from 1, the most urgent, to ${levels}`,
    );
  }
  for (const key of batching.priority_queue_policy.keys()) {
    if (BigInt(key) >= 1n && BigInt(key) <= BigInt(levels)) continue;
    const message = `priority queue policy must have priority level in range [1, ${levels}] for ${config.name}`;
    const path = ['dynamic_batching', 'priority_queue_policy', key];
    throw invalidConfig(message, source, path, `use a key from 1 to ${levels}`);
  }
}

function validateOrdering(
  config: ModelConfig,
  batching: ModelDynamicBatching,
  source: ConfigSource | null,
): void {
  if (batching.priority_levels > 1) {
    const message = `Only one priority level is allowed when 'preserve_ordering' is true for ${config.name}`;
    const path = ['dynamic_batching', 'priority_levels'];
    throw invalidConfig(message, source, path, 'remove priority_levels or preserve_ordering');
  }
  const policies: (readonly [readonly string[], ModelQueuePolicy | null])[] = [
    [['default_queue_policy'], batching.default_queue_policy],
    ...[...batching.priority_queue_policy].map(
      ([key, policy]) => [['priority_queue_policy', key], policy] as const,
    ),
  ];
  for (const [path, policy] of policies) {
    if (policy === null || policy.timeout_action !== 'DELAY') continue;
    if (BigInt(policy.default_timeout_microseconds) === 0n) continue;
    throw invalidConfig(
      `Queue policy can not have DELAY as timeout action when 'preserve_ordering' is true for ${config.name}`,
      source,
      ['dynamic_batching', ...path, 'timeout_action'],
      'use timeout_action: REJECT, or remove preserve_ordering',
    );
  }
}
