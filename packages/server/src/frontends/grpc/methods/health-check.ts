import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** gRPC's own health check: readiness, whatever service is asked for. */
export const healthCheckRpc: GrpcRpc = unaryRpc<{ service: string }>({
  name: 'grpc.health.v1.Health/Check',
  category: 'health',
  request: 'grpc.health.v1.HealthCheckRequest',
  response: 'grpc.health.v1.HealthCheckResponse',
  answer(_request, { controlPlane }) {
    const ready = controlPlane.isReady();
    return ready instanceof Promise ? ready.then(statusMessage) : statusMessage(ready);
  },
});

function statusMessage(ready: boolean): { status: string } {
  return { status: ready ? 'SERVING' : 'NOT_SERVING' };
}
