export * from './binary-form.ts';
export { type ModelConfigField, modelConfigFields } from './config-fields.ts';
export type { FieldSupport } from './field-docs.ts';
export { modelConfigFromJson } from './json-input.ts';
export { modelConfigToJson } from './json-output.ts';
export { emptyModelConfig, type FieldPath, formatPath } from './message-value.ts';
export type * from './model-config.ts';
export { formatHint, ModelConfigError, type ModelConfigHint } from './model-config-error.ts';
export { nearestName } from './nearest-name.ts';
export { modelConfigDescriptor, modelConfigType } from './protobuf-types.ts';
export {
  locateField,
  modelConfigBytesMax,
  parseModelConfigBytes,
  parseModelConfigText,
} from './text-format.ts';
export { modelConfigToText } from './text-output.ts';
