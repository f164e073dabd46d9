import type { Http2Keepalive } from '../http2/keepalive.ts';
import type { GrpcHandler } from './grpc-handler.ts';

/** Bounds of gRPC calls. Their names and defaults follow gRPC's channel arguments where there is one. */
export interface GrpcLimits {
  /** One message of a client, as sent and once inflated. More: RESOURCE_EXHAUSTED. */
  readonly receiveMessageBytesMax: number;
  /** One message of an answer. More: RESOURCE_EXHAUSTED. */
  readonly sendMessageBytesMax: number;
  /** Bytes of a stream's answers that may wait for the client; beyond, the call is RESOURCE_EXHAUSTED. */
  readonly sendBufferBytesMax: number;
}

/** What holds where the options say nothing. Messages may be as large as Triton lets them be. */
export const grpcLimitDefaults: GrpcLimits = {
  receiveMessageBytesMax: 2 ** 31 - 1,
  sendMessageBytesMax: 2 ** 31 - 1,
  sendBufferBytesMax: 64 * 1024 * 1024,
};

/** How connections are kept alive and ended. */
export type GrpcKeepalive = Http2Keepalive;

/** Triton's defaults: `--grpc-keepalive-time` and the other options of that family. */
export const grpcKeepaliveDefaults: GrpcKeepalive = {
  keepaliveTimeMs: 7_200_000,
  keepaliveTimeoutMs: 20_000,
  permitWithoutCalls: false,
  pingsWithoutDataMax: 2,
  receivedPingIntervalMinMs: 300_000,
  pingStrikesMax: 2,
  connectionAgeMaxMs: null,
  connectionAgeGraceMs: null,
};

/** gRPC on a port. */
export interface GrpcOptions {
  readonly handler: GrpcHandler;
  /** What is left out has its default. */
  readonly limits?: Partial<GrpcLimits>;
  /** What is left out has its default. */
  readonly keepalive?: Partial<GrpcKeepalive>;
}
