import { TritonError } from '@nereid/protocol';
import type { ControlPlane } from './control-plane/control-plane.ts';
import { AbsentModelError } from './core/absent-model-error.ts';
import type { CallableModel, InferencePort } from './core/inference-port.ts';
import type { DataPlane } from './data-plane/data-plane.ts';
import type { ServedModel } from './lifecycle/served-model.ts';

/** The planes, which are made after the backends that call them. */
export interface CalledPlanes {
  readonly dataPlane: DataPlane;
  readonly controlPlane: ControlPlane;
}

/** The server as models call it. @param planes called only when a model calls. */
export function serverInferencePort(planes: () => CalledPlanes): InferencePort {
  return {
    find: (name, version) => {
      const model = servedModel(planes().dataPlane, name, version);
      return model === null ? null : callableModel(model);
    },
    summon: (name, version, cancellation) => {
      try {
        planes().dataPlane.model(name, version);
      } catch (failure) {
        if (failure instanceof AbsentModelError) return failure.load(cancellation);
      }
      return null;
    },
    infer: (name, version, message, cancellation, sink, trace) => {
      const { dataPlane } = planes();
      dataPlane.infer(dataPlane.model(name, version), message, cancellation, sink, trace);
    },
    load: (name, config, files) => planes().controlPlane.loadModel(name, { config, files }),
    unload: (name, unloadDependents) =>
      planes().controlPlane.unloadModel(name, { unloadDependents }),
  };
}

function servedModel(
  dataPlane: DataPlane,
  name: string,
  version: number | null,
): ServedModel | null {
  try {
    return dataPlane.model(name, version);
  } catch (failure) {
    if (failure instanceof TritonError) return null;
    throw failure;
  }
}

function callableModel({ key, config }: ServedModel): CallableModel {
  const count = config.instance_group.reduce((sum, group) => sum + group.count, 0);
  return {
    name: key.name,
    version: key.version,
    decoupled: config.model_transaction_policy?.decoupled === true,
    // An ensemble has no instances of its own, and executes any number at once.
    instanceCount: count === 0 ? Number.POSITIVE_INFINITY : count,
  };
}
