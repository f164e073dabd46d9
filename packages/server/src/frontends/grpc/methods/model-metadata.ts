import { parseModelVersion } from '../../../core/model-version.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** Inputs, outputs, versions and platform of a model. */
export const modelMetadataRpc: GrpcRpc = unaryRpc<{ name: string; version: string }>({
  name: 'ModelMetadata',
  category: 'metadata',
  answer: ({ name, version }, { controlPlane }) =>
    controlPlane.modelMetadata(name, parseModelVersion(version)),
});
