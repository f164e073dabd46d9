import type { GrpcCall } from '@nereid/transport';
import type { FrontEndTrace } from '../../observability/tracing/front-end-trace.ts';
import type { GrpcContext } from './grpc-context.ts';

/** When a message was there, for the trace of its request; 0 while nothing is traced. */
export function readTimeNs({ tracing }: GrpcContext): number {
  return tracing.enabled ? tracing.nowNs() : 0;
}

/**
 * The trace of a request that was read at `readNs`, null for one that is not traced. Nothing waits for
 * a request here, so that reading it begins and ends at once.
 */
export function tracedRequest(
  { tracing }: GrpcContext,
  modelName: string,
  call: GrpcCall,
  readNs: number,
): FrontEndTrace | null {
  if (!tracing.enabled) return null;
  const traced = tracing.sample(modelName, (name) => call.metadata(name));
  if (traced === null) return null;
  const ns = readNs || tracing.nowNs();
  traced.capture('GRPC_WAITREAD_START', ns);
  traced.capture('GRPC_WAITREAD_END', ns);
  return traced;
}
