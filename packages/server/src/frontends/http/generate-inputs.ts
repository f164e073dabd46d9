import { dataTypeFromConfig, type GenerateInput, type ModelConfig } from '@nereid/protocol';

/** The inputs of a model by name, with the shapes of its metadata. */
export function generateInputs(config: ModelConfig): ReadonlyMap<string, GenerateInput> {
  const inputs = new Map<string, GenerateInput>();
  for (const { name, data_type, dims } of config.input) {
    const dataType = dataTypeFromConfig(data_type);
    if (dataType === null) continue;
    inputs.set(name, { dataType, shape: config.max_batch_size > 0 ? [-1, ...dims] : dims });
  }
  return inputs;
}
