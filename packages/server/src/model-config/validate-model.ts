import type { ModelConfig } from '@nereid/protocol';
import { type ConfigSource, invalidConfig } from './config-source.ts';
import { ensemblePlatform, platformFitsBackend, platformsOf } from './platform-names.ts';
import { validateDynamicBatching } from './validate-dynamic-batching.ts';
import { validateEnsemble } from './validate-ensemble.ts';
import { validateSequenceBatching } from './validate-sequence-batching.ts';

/**
 * Checks a normalised configuration, all but its inputs, outputs and instance groups, in Triton's order:
 * the first fault decides the text.
 * @param source the file that it was read from, for the hint's line; null for an override
 * @throws ModelConfigError INVALID_ARG
 */
export function validateModelConfig(config: ModelConfig, source: ConfigSource | null = null): void {
  validatePlatform(config, source);
  if (config.max_batch_size < 0) {
    const message = `'max_batch_size' must be non-negative value for ${config.name}`;
    throw invalidConfig(message, source, ['max_batch_size'], 'use 0 for a model without batching');
  }
  if (config.version_policy === null) {
    const message = `must specify 'version policy' for ${config.name}`;
    throw invalidConfig(
      message,
      source,
      ['version_policy'],
      'add version_policy { latest { num_versions: 1 } }',
    );
  }
  validateDynamicBatching(config, source);
  validateSequenceBatching(config, source);
  if (config.ensemble_scheduling !== null) validateEnsemble(config, source);
  else if (config.platform === ensemblePlatform) {
    const message = `ensemble scheduling must be set for ensemble ${config.name} whose platform is ${ensemblePlatform}`;
    throw invalidConfig(message, source, ['platform'], 'add ensemble_scheduling { step [ ... ] }');
  }
  if (
    config.model_transaction_policy?.decoupled === true &&
    config.response_cache?.enable === true
  ) {
    throw invalidConfig(
      `Response Cache does not currently support model ${config.name} with 'decoupled' transaction policy. Please disable the response cache.`,
      source,
      ['response_cache'],
      'remove response_cache',
    );
  }
  validateMetrics(config, source);
}

/**
 * Checks that a model's folder and its configuration agree on the name.
 * @throws ModelConfigError INVALID_ARG
 */
export function validateDirectoryName(
  config: ModelConfig,
  directoryName: string,
  source: ConfigSource | null = null,
): void {
  if (config.name === directoryName) return;
  throw invalidConfig(
    `unexpected directory name '${directoryName}' for model '${config.name}', directory name must equal model name`,
    source,
    ['name'],
    `write name: ${JSON.stringify(directoryName)}, or leave name out`,
  );
}

function validatePlatform(config: ModelConfig, source: ConfigSource | null): void {
  const { name, backend, platform } = config;
  if (name === '') {
    throw invalidConfig("model configuration must specify 'name'", source, [], 'add name');
  }
  if (backend === '' && platform !== ensemblePlatform) {
    const message = `unexpected platform type '${platform}' for ${name}`;
    throw invalidConfig(message, source, ['platform'], 'leave platform out and set backend');
  }
  if (backend !== '' && platform === ensemblePlatform) {
    const message = `Ensemble model '${name}' must have platform type '${platform}' and empty backend type`;
    throw invalidConfig(message, source, ['backend'], 'remove backend');
  }
  if (!platformFitsBackend(platform, backend)) {
    const message = `unexpected 'platform' and 'backend' pair, got:${platform}, ${backend}`;
    const platforms = platformsOf(backend).join(' or ');
    const fix = `remove platform, which backend ${backend} sets to ${platforms}`;
    throw invalidConfig(message, source, ['platform'], fix);
  }
}

function validateMetrics(config: ModelConfig, source: ConfigSource | null): void {
  for (const [index, control] of (config.model_metrics?.metric_control ?? []).entries()) {
    const path = ['model_metrics', 'metric_control', index];
    if (control.metric_identifier === null) {
      const message = "metric control must specify 'metric_identifier'";
      throw invalidConfig(message, source, path, 'add metric_identifier { family: "..." }');
    }
    if (control.metric_identifier.family === '') {
      const message = "metric identifier must specify non-empty 'family'";
      throw invalidConfig(message, source, [...path, 'metric_identifier'], 'set family');
    }
    if (control.histogram_options === null) {
      const message = "metric control must specify 'histogram_options'";
      throw invalidConfig(message, source, path, 'add histogram_options { buckets: [ ... ] }');
    }
    if (control.histogram_options.buckets.length === 0) {
      const message = "histogram options must specify non-empty 'buckets'";
      throw invalidConfig(message, source, [...path, 'histogram_options'], 'set buckets');
    }
  }
}
