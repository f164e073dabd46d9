import type { ModelConfig, ModelInput, ModelOutput } from '@nereid/protocol';
import { type ConfigSource, invalidConfig } from './config-source.ts';
import { tensorrtPlatform } from './platform-names.ts';
import { validateBatchIo } from './validate-batch-io.ts';
import { validateIoShape } from './validate-io-shape.ts';

/**
 * Checks the inputs and outputs of a complete configuration, in Triton's order.
 * @param source the file that it was read from, for the hint's line; null for an override
 * @throws ModelConfigError INVALID_ARG `… for <model>`
 */
export function validateModelIo(config: ModelConfig, source: ConfigSource | null = null): void {
  for (const [index, input] of config.input.entries()) validateInput(config, input, index, source);
  for (const [index, output] of config.output.entries()) {
    validateIoShape(config, output, 'output', index, source);
    validatePlatformFields(config, output, 'output', index, source);
  }
  validateBatchIo(config, source);
}

function validateInput(
  config: ModelConfig,
  input: ModelInput,
  index: number,
  source: ConfigSource | null,
): void {
  validateIoShape(config, input, 'input', index, source);
  if (input.format !== 'FORMAT_NONE' && input.dims.length !== 3) {
    const message = `model input NHWC/NCHW require 3 dims for ${config.name}`;
    const fix = 'give height, width and channels, or remove format';
    throw invalidConfig(message, source, ['input', index, 'dims'], fix);
  }
  validatePlatformFields(config, input, 'input', index, source);
}

function validatePlatformFields(
  config: ModelConfig,
  io: ModelInput | ModelOutput,
  kind: 'input' | 'output',
  index: number,
  source: ConfigSource | null,
): void {
  const tensorrt = config.platform === tensorrtPlatform;
  if (!tensorrt && io.is_shape_tensor) {
    const message = `shape tensors are only supported for TensorRT platform for ${config.name}`;
    const path = [kind, index, 'is_shape_tensor'];
    throw invalidConfig(message, source, path, 'remove is_shape_tensor');
  }
  if (!io.is_non_linear_format_io) return;
  const path = [kind, index, 'is_non_linear_format_io'];
  if (!tensorrt) {
    const message = `Non-linear IO format is only supported for the TensorRT platform for ${config.name}`;
    throw invalidConfig(message, source, path, 'remove is_non_linear_format_io');
  }
  if (io.dims.length !== 3) {
    const message = `Non-linear IO format ${kind} requires 3 dims for ${config.name}`;
    throw invalidConfig(message, source, [kind, index, 'dims'], 'give three dims');
  }
}
