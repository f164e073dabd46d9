import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** The process runs and answers. */
export const serverLiveRpc: GrpcRpc = unaryRpc({
  name: 'ServerLive',
  category: 'health',
  answer: (_request, { controlPlane }) => ({ live: controlPlane.isLive() }),
});
