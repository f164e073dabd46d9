import type { FieldPath, ModelConfig } from '@nereid/protocol';
import { type ConfigSource, invalidConfig } from './config-source.ts';
import { configTypeOf, type ModelSignature, type SignatureTensor } from './model-signature.ts';

/**
 * Checks that a model has the inputs and outputs that its implicit states go through. Triton finds out
 * when the model runs.
 * @throws ModelConfigError INVALID_ARG
 */
export function checkSequenceStates(
  config: ModelConfig,
  signature: ModelSignature,
  source: ConfigSource | null,
): void {
  for (const [index, state] of (config.sequence_batching?.state ?? []).entries()) {
    const path = ['sequence_batching', 'state', index];
    const check = (kind: 'input' | 'output', tensors: readonly SignatureTensor[]): void => {
      const name = kind === 'input' ? state.input_name : state.output_name;
      checkTensor(config, { kind, name, type: state.data_type }, tensors, path, source);
    };
    check('input', signature.inputs);
    check('output', signature.outputs);
  }
}

function checkTensor(
  config: ModelConfig,
  { kind, name, type }: { kind: 'input' | 'output'; name: string; type: string },
  tensors: readonly SignatureTensor[],
  path: FieldPath,
  source: ConfigSource | null,
): void {
  const start = `unable to load model '${config.name}', `;
  const tensor = tensors.find((candidate) => candidate.name === name);
  if (tensor === undefined) {
    const names = tensors.map((candidate) => candidate.name).join(', ');
    throw invalidConfig(
      `${start}the configuration has a state with ${kind} '${name}', which the model does not have`,
      source,
      [...path, `${kind}_name`],
      `use one of ${names}`,
    );
  }
  const provided = configTypeOf(tensor);
  if (type === provided) return;
  throw invalidConfig(
    `${start}the state with ${kind} '${name}' has data type ${type}, the model's has ${provided}`,
    source,
    [...path, 'data_type'],
    `write data_type: ${provided}`,
  );
}
