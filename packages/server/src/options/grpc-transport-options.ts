import type { GivenOptions } from './given-options.ts';
import type { GrpcKeepaliveOptions, GrpcTlsOptions } from './server-options.ts';

/** `--grpc-use-ssl` and its companions. Asking for clients' certificates asks for TLS. */
export function grpcTls(given: GivenOptions): GrpcTlsOptions | null {
  const mutual = given.boolean('grpc-use-ssl-mutual');
  if (!mutual && !given.boolean('grpc-use-ssl')) return null;
  return {
    certFile: given.text('grpc-server-cert'),
    keyFile: given.text('grpc-server-key'),
    rootFile: given.text('grpc-root-cert'),
    mutual,
  };
}

/** The flags that become channel arguments in Triton. */
export function grpcKeepalive(given: GivenOptions): GrpcKeepaliveOptions {
  return {
    timeMs: given.integer('grpc-keepalive-time'),
    timeoutMs: given.integer('grpc-keepalive-timeout'),
    permitWithoutCalls: given.boolean('grpc-keepalive-permit-without-calls'),
    pingsWithoutDataMax: given.integer('grpc-http2-max-pings-without-data'),
    receivedPingIntervalMinMs: given.integer('grpc-http2-min-recv-ping-interval-without-data'),
    pingStrikesMax: given.integer('grpc-http2-max-ping-strikes'),
    connectionAgeMaxMs: ageOrNull(given, 'grpc-max-connection-age'),
    connectionAgeGraceMs: ageOrNull(given, 'grpc-max-connection-age-grace'),
  };
}

/** As in Triton, 0 is the same as none. */
function ageOrNull(given: GivenOptions, flag: string): number | null {
  if (given.textOrNull(flag) === null) return null;
  const ageMs = given.integer(flag);
  return ageMs === 0 ? null : ageMs;
}
