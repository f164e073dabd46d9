import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

/** gRPC's own health check: readiness, whatever service is asked for. */
export const healthCheckRpc: GrpcRpc = unaryRpc<{ service: string }>({
  name: 'grpc.health.v1.Health/Check',
  category: 'health',
  request: 'grpc.health.v1.HealthCheckRequest',
  response: 'grpc.health.v1.HealthCheckResponse',
  answer: (_request, { controlPlane }) => ({
    status: controlPlane.isReady() ? 'SERVING' : 'NOT_SERVING',
  }),
});
