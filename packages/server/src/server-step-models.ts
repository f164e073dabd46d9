import type { StepModel, StepModels } from './core/step-models.ts';
import type { DataPlane } from './data-plane/data-plane.ts';
import type { ModelLifeCycle } from './lifecycle/model-life-cycle.ts';
import type { ServedModel } from './lifecycle/served-model.ts';

/** The server as its ensembles use it. @param parts Called only when an ensemble is loaded. */
export function serverStepModels(
  parts: () => { readonly lifeCycle: ModelLifeCycle; readonly dataPlane: DataPlane },
): StepModels {
  const known = new WeakMap<ServedModel, StepModel>();
  return {
    find(id, version) {
      const { lifeCycle, dataPlane } = parts();
      const model = lifeCycle.findById(id, version);
      let stepModel = known.get(model);
      if (stepModel === undefined) {
        stepModel = stepModelOf(model, dataPlane);
        known.set(model, stepModel);
      }
      return stepModel;
    },
  };
}

function stepModelOf(model: ServedModel, dataPlane: DataPlane): StepModel {
  return {
    config: model.config,
    labels: model.labels,
    retain: () => model.retain(),
    release: () => model.release(),
    infer: (message, cancellation, sink, trace, parent) =>
      dataPlane.infer(model, message, cancellation, sink, trace, null, parent),
  };
}
