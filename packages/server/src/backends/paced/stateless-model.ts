import type { ModelConfig } from '@nereid/protocol';
import type { BackendInstance, BackendModel } from '../../core/backend.ts';
import { instanceNames } from '../../model-config/instance-groups.ts';

/** A model in this process whose instances are all alike and keep nothing. */
export function statelessModel(
  config: ModelConfig,
  execute: BackendInstance['execute'],
): BackendModel {
  const instance = (name: string): BackendInstance => ({ name, execute });
  return {
    config,
    instances: instanceNames(config).map(instance),
    acceptsInstance: () => true,
    addInstance: async ({ name }) => instance(name),
    removeInstance: async () => {},
    unload: async () => {},
  };
}
