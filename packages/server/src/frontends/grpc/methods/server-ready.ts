import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** The server, and with strict readiness every model, can take requests. */
export const serverReadyRpc: GrpcRpc = unaryRpc({
  name: 'ServerReady',
  category: 'health',
  answer: (_request, { controlPlane }) => ({ ready: controlPlane.isReady() }),
});
