import type { EnsembleStep, ModelConfig } from '@nereid/protocol';
import { type ConfigSource, invalidConfig } from './config-source.ts';

/** One tensor that flows between the steps of an ensemble. */
export interface EnsembleTensor {
  readonly name: string;
  readonly readers: EnsembleNode[];
  /** The step that gives it; null for an input of the ensemble and for what nothing gives. */
  writer: EnsembleNode | null;
  ready: boolean;
}

/** One step with the tensors that it reads and writes. */
export interface EnsembleNode {
  readonly inputs: ReadonlySet<EnsembleTensor>;
  readonly outputs: readonly EnsembleTensor[];
}

/**
 * The tensors of an ensemble by name, linked through its steps, in the order in which steps mention them.
 * @throws ModelConfigError INVALID_ARG for a step that lacks something, or a tensor written twice
 */
export function ensembleGraph(
  config: ModelConfig,
  source: ConfigSource | null,
): Map<string, EnsembleTensor> {
  const tensors = new Map<string, EnsembleTensor>();
  for (const [index, step] of (config.ensemble_scheduling?.step ?? []).entries()) {
    validateStep(config, step, index, source);
    const inputs = new Set<EnsembleTensor>();
    const outputs: EnsembleTensor[] = [];
    const node: EnsembleNode = { inputs, outputs };
    for (const [key, name] of step.output_map) {
      const tensor = tensorNamed(tensors, name);
      if (tensor.writer !== null) {
        throw invalidConfig(
          `ensemble tensor '${name}' can appear in an output map only once for ensemble '${config.name}' step ${index}`,
          source,
          ['ensemble_scheduling', 'step', index, 'output_map', key],
          'give the second tensor a name of its own',
        );
      }
      tensor.writer = node;
      outputs.push(tensor);
    }
    for (const name of step.input_map.values()) inputs.add(tensorNamed(tensors, name));
    for (const tensor of inputs) tensor.readers.push(node);
  }
  return tensors;
}

/** Marks what can be computed from the tensors that are given. */
export function spreadReadiness(given: readonly EnsembleTensor[]): void {
  const queue = [...new Set(given)];
  for (const tensor of queue) tensor.ready = true;
  const missing = new Map<EnsembleNode, number>();
  for (let at = 0; at < queue.length; at++) {
    for (const node of (queue[at] as EnsembleTensor).readers) {
      const left = (missing.get(node) ?? node.inputs.size) - 1;
      missing.set(node, left);
      if (left > 0) continue;
      for (const output of node.outputs) {
        if (output.ready) continue;
        output.ready = true;
        queue.push(output);
      }
    }
  }
}

function tensorNamed(tensors: Map<string, EnsembleTensor>, name: string): EnsembleTensor {
  let tensor = tensors.get(name);
  if (tensor === undefined) {
    tensor = { name, readers: [], writer: null, ready: false };
    tensors.set(name, tensor);
  }
  return tensor;
}

function validateStep(
  config: ModelConfig,
  step: EnsembleStep,
  index: number,
  source: ConfigSource | null,
): void {
  const missing =
    step.model_name === ''
      ? 'model_name'
      : step.input_map.size === 0
        ? 'input_map'
        : step.output_map.size === 0
          ? 'output_map'
          : null;
  if (missing === null) return;
  const message = `must specify '${missing}' in step ${index} of ensemble '${config.name}'`;
  const path = ['ensemble_scheduling', 'step', index, missing];
  throw invalidConfig(message, source, path, `add ${missing}`);
}
