import type { ModelConfig } from '@nereid/protocol';
import { type ConfigSource, invalidConfig } from './config-source.ts';
import {
  type EnsembleNode,
  type EnsembleTensor,
  ensembleGraph,
  spreadReadiness,
} from './ensemble-graph.ts';
import { ensemblePlatform } from './platform-names.ts';

/**
 * Checks an ensemble by itself: that its steps form a flow from its inputs to its outputs. Whether the
 * models of the steps exist and fit is known only where all models are known.
 * @throws ModelConfigError INVALID_ARG
 */
export function validateEnsemble(config: ModelConfig, source: ConfigSource | null): void {
  validateForeignFields(config, source);
  if (config.ensemble_scheduling?.step.length === 0) {
    const message = `must specify 'step' for ensemble '${config.name}'`;
    throw invalidConfig(message, source, ['ensemble_scheduling'], 'add at least one step');
  }
  const tensors = ensembleGraph(config, source);
  const inputs = config.input.map((input, index) => {
    const tensor = tensors.get(input.name);
    if (tensor !== undefined) return tensor;
    // The quotation marks are unbalanced in Triton's text, too.
    const message = `ensemble input '${input.name}' for ensemble ${config.name}' is not used`;
    const fix = 'remove the input, or use it in an input_map';
    throw invalidConfig(message, source, ['input', index, 'name'], fix);
  });
  spreadReadiness(inputs);
  for (const [index, output] of config.output.entries()) {
    const tensor = tensors.get(output.name);
    if (tensor === undefined) {
      const message = `ensemble output '${output.name}' for ensemble ${config.name}' is not used`;
      const fix = 'remove the output, or write it in an output_map';
      throw invalidConfig(message, source, ['output', index, 'name'], fix);
    }
    if (!tensor.ready) throw notWritten(config, tensor, index, source);
  }
  validateNoneUnused(config, tensors, source);
}

function validateForeignFields(config: ModelConfig, source: ConfigSource | null): void {
  const { name } = config;
  if (config.platform !== ensemblePlatform) {
    const message = `ensemble scheduling cannot be set for model '${name}' whose platform is not ${ensemblePlatform}`;
    const fix = `write platform: "${ensemblePlatform}", or remove ensemble_scheduling`;
    throw invalidConfig(message, source, ['ensemble_scheduling'], fix);
  }
  if (config.instance_group.length > 0) {
    const message = `instance group should not be specified for ensemble '${name}'`;
    throw invalidConfig(message, source, ['instance_group'], 'remove instance_group');
  }
  if (config.optimization !== null) {
    const message = `optimization should not be specified for ensemble '${name}'`;
    throw invalidConfig(message, source, ['optimization'], 'remove optimization');
  }
  if (config.model_warmup.length > 0) {
    const message = `model_warmup can not be specified for ensemble '${name}'`;
    throw invalidConfig(message, source, ['model_warmup'], 'remove model_warmup');
  }
}

/** Follows what the tensor waits for to the first one that nothing gives. */
function notWritten(
  config: ModelConfig,
  tensor: EnsembleTensor,
  index: number,
  source: ConfigSource | null,
): Error {
  const seen = new Set<EnsembleTensor>();
  // A step's inputs are gone through once, whichever of its outputs asks: neither set shrinks.
  const inputsLeft = new Map<EnsembleNode, Iterator<EnsembleTensor>>();
  const unreadyInput = (node: EnsembleNode): EnsembleTensor | null => {
    const inputs = inputsLeft.get(node) ?? node.inputs.values();
    inputsLeft.set(node, inputs);
    for (let step = inputs.next(); step.done !== true; step = inputs.next()) {
      if (!step.value.ready && !seen.has(step.value)) return step.value;
    }
    return null;
  };
  let origin = tensor;
  for (let next: EnsembleTensor | null = tensor; next !== null; ) {
    origin = next;
    next = next.writer === null ? null : unreadyInput(next.writer);
    if (next !== null) seen.add(next);
  }
  const cause =
    origin.name === tensor.name
      ? ''
      : `: at least one of its depending tensors, '${origin.name}', is not connected`;
  return invalidConfig(
    `output '${tensor.name}' for ensemble '${config.name}' is not written${cause}`,
    source,
    ['output', index, 'name'],
    'connect every input_map to an input of the ensemble or to an output_map',
  );
}

function validateNoneUnused(
  config: ModelConfig,
  tensors: ReadonlyMap<string, EnsembleTensor>,
  source: ConfigSource | null,
): void {
  const outputs = new Set(config.output.map((output) => output.name));
  for (const tensor of tensors.values()) {
    if (outputs.has(tensor.name) || (tensor.ready && tensor.readers.length > 0)) continue;
    const message = `ensemble tensor '${tensor.name}' is unused in ensemble '${config.name}'`;
    const fix = `remove '${tensor.name}' from the steps' maps, or make it an output`;
    throw invalidConfig(message, source, ['ensemble_scheduling'], fix);
  }
}
