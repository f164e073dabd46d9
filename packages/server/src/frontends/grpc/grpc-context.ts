import type { ControlPlane } from '../../control-plane/control-plane.ts';
import type { LogControl } from '../../control-plane/log-control.ts';
import type { RestrictedApis } from '../../control-plane/restricted-apis.ts';
import type { TraceControl } from '../../control-plane/trace-control.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { DataPlane } from '../../data-plane/data-plane.ts';
import type { HeaderForwarding } from '../../data-plane/header-forwarding.ts';
import type { SharedMemoryRegistry } from '../../memory/shared-memory-registry.ts';
import type { TraceManager } from '../../observability/tracing/trace-manager.ts';

/** What the methods work with, the same for every call. */
export interface GrpcContext {
  readonly dataPlane: DataPlane;
  readonly controlPlane: Pick<ControlPlane, keyof ControlPlane>;
  readonly logControl: LogControl;
  readonly traceControl: TraceControl;
  readonly tracing: TraceManager;
  /** True once the server has begun to stop. */
  readonly isExiting: () => boolean;
  readonly sharedMemory: SharedMemoryRegistry;
  /** zlib's level for inference responses, if the client takes compressed ones; 0 for none. */
  readonly compressionLevel: number;
  /** Null without `--grpc-header-forward-pattern`. */
  readonly headerForwarding: HeaderForwarding | null;
  /** `--grpc-restricted-protocol`. */
  readonly restrictedApis: RestrictedApis;
  readonly clock: Clock;
  readonly logger: Logger;
}
