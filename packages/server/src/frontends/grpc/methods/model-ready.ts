import { parseModelVersion } from '../../../core/model-version.ts';
import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** Whether a model can take requests. */
export const modelReadyRpc: GrpcRpc = unaryRpc<{ name: string; version: string }>({
  name: 'ModelReady',
  category: 'health',
  answer({ name, version }, { controlPlane }) {
    const ready = controlPlane.isModelReady(name, parseModelVersion(version));
    return ready instanceof Promise ? ready.then((known) => ({ ready: known })) : { ready };
  },
});
