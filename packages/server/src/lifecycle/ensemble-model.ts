import type { ModelConfig } from '@nereid/protocol';
import type { BackendModel } from '../core/backend.ts';
import type { StepModels } from '../core/step-models.ts';

/** An ensemble as a loaded model: it has no backend, and nothing of its own to release. */
export function ensembleModel(config: ModelConfig): BackendModel {
  return { config, instances: [], unload: async () => {} };
}

/** The labels of an ensemble's outputs: its own, else those of the step that writes the output. */
export function ensembleLabels(
  config: ModelConfig,
  own: ReadonlyMap<string, readonly string[]>,
  models: StepModels,
): ReadonlyMap<string, readonly string[]> {
  const labels = new Map(own);
  const outputs = new Set(config.output.map(({ name }) => name));
  for (const step of config.ensemble_scheduling?.step ?? []) {
    const id = { namespace: step.model_namespace, name: step.model_name };
    const model = models.find(id, step.model_version < 0 ? null : step.model_version);
    for (const [output, tensor] of step.output_map) {
      const found = model.labels.get(output);
      if (found !== undefined && outputs.has(tensor) && !labels.has(tensor)) {
        labels.set(tensor, found);
      }
    }
  }
  return labels;
}
