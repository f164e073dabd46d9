import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** The server, and with strict readiness every model, can take requests. */
export const serverReadyRpc: GrpcRpc = unaryRpc({
  name: 'ServerReady',
  category: 'health',
  answer(_request, { controlPlane }) {
    const ready = controlPlane.isReady();
    return ready instanceof Promise ? ready.then((known) => ({ ready: known })) : { ready };
  },
});
