import type { MessageValue } from './message-value.ts';
import type { ModelConfig } from './model-config.ts';
import { ModelConfigError, ModelConfigValueError } from './model-config-error.ts';
import { modelConfigType } from './protobuf-types.ts';
import { fromProtobuf, toProtobuf } from './protobuf-value.ts';
import { modelConfigSpec } from './schema.ts';

/** The configuration as the object that protobuf.js's `ModelConfig` type encodes, also inside other messages. */
export function modelConfigToProtobuf(config: ModelConfig): object {
  return modelConfigType().fromObject(
    toProtobuf(modelConfigSpec, config as unknown as MessageValue),
  );
}

/** The configuration in protobuf's binary form. */
export function encodeModelConfig(config: ModelConfig): Uint8Array {
  return modelConfigType().encode(modelConfigToProtobuf(config)).finish();
}

/**
 * Reads protobuf's binary form.
 * @throws ModelConfigError INVALID_ARG when the bytes are no ModelConfig.
 */
export function decodeModelConfig(bytes: Uint8Array): ModelConfig {
  try {
    const message = modelConfigType().decode(bytes);
    return fromProtobuf(modelConfigSpec, message, []) as unknown as ModelConfig;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const field = error instanceof ModelConfigValueError ? error.problem : '';
    throw new ModelConfigError('INVALID_ARG', `invalid model configuration: ${reason}`, {
      file: null,
      line: null,
      column: null,
      field,
      fix: 'send a ModelConfig message',
    });
  }
}
