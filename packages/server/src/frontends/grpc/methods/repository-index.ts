import { refuseRepositoryName } from '../../../control-plane/repository-name.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** Models of the repository with their states. */
export const repositoryIndexRpc: GrpcRpc = unaryRpc<{ repository_name: string; ready: boolean }>({
  name: 'RepositoryIndex',
  category: 'model-repository',
  async answer({ repository_name, ready }, { controlPlane }) {
    refuseRepositoryName(repository_name);
    return { models: await controlPlane.repositoryIndex(ready) };
  },
});
