import { encodeModelConfigResponse } from '@nereid/protocol';
import { parseModelVersion } from '../../../core/model-version.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** The configuration that a model is served with, completed and normalised. */
export const modelConfigRpc: GrpcRpc = unaryRpc<{ name: string; version: string }>({
  name: 'ModelConfig',
  category: 'model-config',
  answer: ({ name, version }, { controlPlane }) =>
    encodeModelConfigResponse(controlPlane.modelConfig(name, parseModelVersion(version))),
});
