/** Bounds of gRPC calls. Their names and defaults follow gRPC's channel arguments where there is one. */
export interface GrpcLimits {
  /** One message of a client, as sent and once inflated. More: RESOURCE_EXHAUSTED. */
  readonly receiveMessageBytesMax: number;
  /** One message of an answer. More: RESOURCE_EXHAUSTED. */
  readonly sendMessageBytesMax: number;
  /** Bytes of a stream's answers that may wait for the client; beyond, the call is RESOURCE_EXHAUSTED. */
  readonly sendBufferBytesMax: number;
}

/** What holds where the options say nothing: Triton's own bounds, but 2 GiB for messages. */
export const grpcLimitDefaults: GrpcLimits = {
  receiveMessageBytesMax: 2 ** 31 - 1,
  sendMessageBytesMax: 2 ** 31 - 1,
  sendBufferBytesMax: 64 * 1024 * 1024,
};

/** How connections are kept alive and ended; the names are those of gRPC's channel arguments. */
export interface GrpcKeepalive {
  /** Quiet time after which the server sends a PING; null for never. */
  readonly keepaliveTimeMs: number | null;
  /** How long it waits for the answer before it closes the connection. */
  readonly keepaliveTimeoutMs: number;
  /** Whether it sends PINGs, and bears a client's, while there is no call. */
  readonly permitWithoutCalls: boolean;
  /** PINGs in a row that the server sends without DATA or HEADERS in between; null for any number. */
  readonly pingsWithoutDataMax: number | null;
  /** PINGs of a client that come faster than this, and without calls, are bad. */
  readonly receivedPingIntervalMinMs: number;
  /** Bad PINGs after which the connection ends with GOAWAY too_many_pings; null for never. */
  readonly pingStrikesMax: number | null;
  /** How old connections get before the server says GOAWAY; null for any age. */
  readonly connectionAgeMaxMs: number | null;
  /** How long calls may then go on; null for as long as they take. */
  readonly connectionAgeGraceMs: number | null;
}

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
  readonly limits?: Partial<GrpcLimits>;
  readonly keepalive?: Partial<GrpcKeepalive>;
  /** Compresses answers for clients that accept it; null or left out sends them as they are. */
  readonly responseCompression?: {
    readonly encoding: 'gzip' | 'deflate';
    readonly level: number;
  } | null;
}
