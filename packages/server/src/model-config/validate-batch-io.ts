import type { ModelConfig } from '@nereid/protocol';
import { type ConfigSource, invalidConfig } from './config-source.ts';

/** @throws ModelConfigError INVALID_ARG */
export function validateBatchIo(config: ModelConfig, source: ConfigSource | null): void {
  const inputs = new Set(config.input.map((input) => input.name));
  for (const [index, batch] of config.batch_input.entries()) {
    const path = ['batch_input', index];
    validateOneSource(config, 'input', batch.kind, batch.source_input, path, source);
    if (batch.data_type !== 'TYPE_INT32' && batch.data_type !== 'TYPE_FP32') {
      const message = `batch input data type must be TYPE_INT32 or TYPE_FP32 for ${config.name}`;
      throw invalidConfig(message, source, [...path, 'data_type'], 'set data_type to one of them');
    }
    validateSources(config, batch.source_input, inputs, path, source);
  }
  const outputs = new Set(config.output.map((output) => output.name));
  for (const [index, batch] of config.batch_output.entries()) {
    const path = ['batch_output', index];
    validateOneSource(config, 'output', batch.kind, batch.source_input, path, source);
    validateSources(config, batch.source_input, inputs, path, source);
    validateTargets(config, batch.target_name, outputs, path, source);
  }
}

function validateOneSource(
  config: ModelConfig,
  io: 'input' | 'output',
  kind: string,
  sources: readonly string[],
  path: readonly (string | number)[],
  source: ConfigSource | null,
): void {
  if (sources.length === 1) return;
  const message = `batch ${io} kind '${kind}' expects 1 source input, got ${sources.length} for ${config.name}`;
  throw invalidConfig(message, source, [...path, 'source_input'], 'name one input as source_input');
}

function validateSources(
  config: ModelConfig,
  sources: readonly string[],
  inputs: ReadonlySet<string>,
  path: readonly (string | number)[],
  source: ConfigSource | null,
): void {
  const unknown = sources.find((name) => !inputs.has(name));
  if (unknown === undefined) return;
  const message = `unknown source input name '${unknown}' for ${config.name}`;
  throw invalidConfig(
    message,
    source,
    [...path, 'source_input'],
    `use one of ${[...inputs].join(', ')}`,
  );
}

function validateTargets(
  config: ModelConfig,
  targets: readonly string[],
  outputs: ReadonlySet<string>,
  path: readonly (string | number)[],
  source: ConfigSource | null,
): void {
  const seen = new Set<string>();
  for (const name of targets) {
    const field = [...path, 'target_name'];
    if (!outputs.has(name)) {
      const message = `unknown target output name '${name}' for ${config.name}`;
      throw invalidConfig(message, source, field, `use one of ${[...outputs].join(', ')}`);
    }
    if (seen.has(name)) {
      const message = `target output name '${name}' can only be specified once for ${config.name}`;
      throw invalidConfig(message, source, field, 'remove one of the two');
    }
    seen.add(name);
  }
}
