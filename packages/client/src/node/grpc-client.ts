import { GrpcInferenceClient } from '../grpc/grpc-inference-client.ts';
import type { InferStream } from '../grpc/infer-stream.ts';
import type { ClientOptions } from '../http/http-client-options.ts';
import type { InferOptions } from '../infer-request.ts';
import { endpointOf, type TlsClientOptions } from './endpoint.ts';
import { Http2Channel, type Http2ChannelOptions } from './http2-channel.ts';

/** Whether the server is still there is asked by PINGs; servers may refuse those that come too often. */
export interface KeepaliveOptions {
  /** Quiet time after which a PING is sent. Default: never. */
  readonly timeMs?: number;
  /** How long its answer may take before the connection counts as lost. Default 20 seconds. */
  readonly timeoutMs?: number;
  /** Also while there is no call. Default false. */
  readonly permitWithoutCalls?: boolean;
  /** PINGs in a row with nothing sent in between; 0 for any number. Default 2. */
  readonly pingsWithoutDataMax?: number;
}

export interface GrpcClientOptions extends ClientOptions {
  readonly tls?: TlsClientOptions;
  readonly keepalive?: KeepaliveOptions;
  /** How long a server may take to be reached, and to speak HTTP/2. Default 20 seconds. */
  readonly connectTimeoutMs?: number;
  /** A connection without calls for so long is closed; the next call opens another. Default 30 minutes. */
  readonly idleTimeoutMs?: number;
  /** Messages larger than this are neither sent nor taken. Default and most: 2^31 - 1 bytes. */
  readonly messageBytesMax?: number;
}

const messageBytesMost = 2 ** 31 - 1;
const timerMsMost = 2 ** 31 - 1;

/** Speaks to a server over gRPC, all calls on one connection. */
export class GrpcClient extends GrpcInferenceClient {
  /**
   * @param url As `localhost:8001` or `grpcs://host:8001`.
   * @throws RangeError for an option that is out of its range; TypeError for what is no URL of a server.
   */
  constructor(url: string, options: GrpcClientOptions = {}) {
    const target = /^[a-z]+:\/\//iu.test(url) ? url : `grpc://${url}`;
    super(new Http2Channel(endpointOf(target, options.tls).endpoint, compile(options)), options);
  }

  /** A stream for any number of requests, such as those of a sequence. */
  openStream(options: InferOptions = {}): Promise<InferStream> {
    return this.startStream(options);
  }
}

function compile(options: GrpcClientOptions): Http2ChannelOptions {
  const { keepalive = {}, connectTimeoutMs = 20_000, idleTimeoutMs = 1_800_000 } = options;
  const { messageBytesMax = messageBytesMost } = options;
  const { timeMs, timeoutMs = 20_000, permitWithoutCalls = false } = keepalive;
  const { pingsWithoutDataMax = 2 } = keepalive;
  checkRange('connectTimeoutMs', connectTimeoutMs, 1, timerMsMost);
  checkRange('idleTimeoutMs', idleTimeoutMs, 1, timerMsMost);
  checkRange('messageBytesMax', messageBytesMax, 1, messageBytesMost);
  if (timeMs !== undefined) checkRange('keepalive.timeMs', timeMs, 1, timerMsMost);
  checkRange('keepalive.timeoutMs', timeoutMs, 1, timerMsMost);
  checkRange('keepalive.pingsWithoutDataMax', pingsWithoutDataMax, 0, timerMsMost);
  return {
    connectTimeoutMs,
    idleTimeoutMs,
    messageBytesMax,
    keepalive: {
      timeMs: timeMs ?? null,
      timeoutMs,
      permitWithoutCalls,
      pingsWithoutDataMax: pingsWithoutDataMax === 0 ? null : pingsWithoutDataMax,
    },
  };
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`);
}
