import { TritonError } from '@nereid/protocol';
import { refuseRepositoryName } from '../../../control-plane/repository-name.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';
import type { RepositoryParameter, RepositoryRequest } from './repository-parameter.ts';

/** Loads or reloads a model. */
export const repositoryModelLoadRpc: GrpcRpc = unaryRpc<RepositoryRequest>({
  name: 'RepositoryModelLoad',
  category: 'model-repository',
  async answer({ repository_name, model_name, parameters }, { controlPlane }) {
    refuseRepositoryName(repository_name);
    await controlPlane.loadModel(model_name, loadOverrides(parameters));
    return {};
  },
});

/** @throws TritonError INVALID_ARG with the texts of Triton's gRPC front end. */
function loadOverrides(parameters: Readonly<Record<string, RepositoryParameter>>): {
  config: string | null;
  files: ReadonlyMap<string, Uint8Array>;
} {
  let config: string | null = null;
  const files = new Map<string, Uint8Array>();
  for (const [key, { string_param, bytes_param }] of Object.entries(parameters)) {
    if (key === 'config') {
      if (string_param === undefined) throw wrongType(key, 'string_param.');
      config = string_param;
    } else if (key.startsWith('file:')) {
      if (bytes_param === undefined) throw wrongType(key, 'bytes_param.');
      files.set(key.slice('file:'.length), bytes_param);
    } else {
      throw new TritonError('INVALID_ARG', `unrecognized load parameter '${key}'.`);
    }
  }
  return { config, files };
}

function wrongType(key: string, expected: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `invalid value type for load parameter '${key}', expected ${expected}`,
  );
}
