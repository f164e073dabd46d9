import { parseModelVersion } from '../../../core/model-version.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** Whether a model can take requests. */
export const modelReadyRpc: GrpcRpc = unaryRpc<{ name: string; version: string }>({
  name: 'ModelReady',
  category: 'health',
  answer: ({ name, version }, { controlPlane }) => ({
    ready: controlPlane.isModelReady(name, parseModelVersion(version)),
  }),
});
