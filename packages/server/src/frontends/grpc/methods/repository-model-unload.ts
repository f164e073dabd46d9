import { TritonError } from '@nereid/protocol';
import { refuseRepositoryName } from '../../../control-plane/repository-name.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';
import type { RepositoryRequest } from './repository-parameter.ts';

/** Unloads a model, with `unload_dependents` also the models that it is composed of. */
export const repositoryModelUnloadRpc: GrpcRpc = unaryRpc<RepositoryRequest>({
  name: 'RepositoryModelUnload',
  category: 'model-repository',
  async answer({ repository_name, model_name, parameters }, { controlPlane }) {
    refuseRepositoryName(repository_name);
    const unloadDependents = dependentsToo(parameters);
    await controlPlane.unloadModel(model_name, { unloadDependents });
    return {};
  },
});

function dependentsToo(parameters: RepositoryRequest['parameters']): boolean {
  if (!Object.hasOwn(parameters, 'unload_dependents')) return false;
  const value = parameters['unload_dependents']?.bool_param;
  if (value !== undefined) return value;
  throw new TritonError(
    'INVALID_ARG',
    "invalid value type for 'unload_dependents' parameter, expected bool_param.",
  );
}
