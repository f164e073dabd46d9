import type { EnsembleStep, ModelConfig } from '@nereid/protocol';
import { type ConfigSource, invalidConfig } from './config-source.ts';

/** One tensor that flows between the steps of an ensemble. */
export interface EnsembleTensor {
  readonly name: string;
  /** Tensors that the step which writes this one reads. */
  readonly from: Set<EnsembleTensor>;
  /** Tensors that steps write which read this one. */
  readonly to: Set<EnsembleTensor>;
  isOutput: boolean;
  ready: boolean;
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
    const written = [...step.output_map].map(([key, name]) => {
      const tensor = tensorNamed(tensors, name);
      if (tensor.isOutput) {
        throw invalidConfig(
          `ensemble tensor '${name}' can appear in an output map only once for ensemble '${config.name}' step ${index}`,
          source,
          ['ensemble_scheduling', 'step', index, 'output_map', key],
          'give the second tensor a name of its own',
        );
      }
      tensor.isOutput = true;
      return tensor;
    });
    for (const name of step.input_map.values()) {
      const tensor = tensorNamed(tensors, name);
      for (const output of written) {
        output.from.add(tensor);
        tensor.to.add(output);
      }
    }
  }
  return tensors;
}

/** Marks what can be computed from the tensors that are ready. */
export function spreadReadiness(ready: readonly EnsembleTensor[]): void {
  const queue = [...ready];
  for (const tensor of queue) tensor.ready = true;
  for (let at = 0; at < queue.length; at++) {
    for (const next of (queue[at] as EnsembleTensor).to) {
      if (next.ready || [...next.from].some((source) => !source.ready)) continue;
      next.ready = true;
      queue.push(next);
    }
  }
}

function tensorNamed(tensors: Map<string, EnsembleTensor>, name: string): EnsembleTensor {
  let tensor = tensors.get(name);
  if (tensor === undefined) {
    tensor = { name, from: new Set(), to: new Set(), isOutput: false, ready: false };
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
