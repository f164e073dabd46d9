import type { GrpcKeepalive } from '@nereid/transport';
import type { GrpcCompressionLevel, GrpcKeepaliveOptions } from './options/server-options.ts';

/** The shortest time that the transport takes; gRPC takes less for "at once" or "never". */
const timeMsMin = 1;

/** zlib's levels for gRPC's; 0 is none. */
export const zlibLevels: Readonly<Record<GrpcCompressionLevel, number>> = {
  none: 0,
  low: 1,
  medium: 6,
  high: 9,
};

/** The flags as the transport wants them: "any number" is null there. */
export function transportKeepalive(options: GrpcKeepaliveOptions): GrpcKeepalive {
  return {
    keepaliveTimeMs: options.timeMs > 0 && options.timeMs < 2 ** 31 - 1 ? options.timeMs : null,
    keepaliveTimeoutMs: Math.max(timeMsMin, options.timeoutMs),
    permitWithoutCalls: options.permitWithoutCalls,
    pingsWithoutDataMax: options.pingsWithoutDataMax > 0 ? options.pingsWithoutDataMax : null,
    receivedPingIntervalMinMs: Math.max(0, options.receivedPingIntervalMinMs),
    pingStrikesMax: options.pingStrikesMax > 0 ? options.pingStrikesMax : null,
    connectionAgeMaxMs: atLeastMin(options.connectionAgeMaxMs),
    connectionAgeGraceMs: atLeastMin(options.connectionAgeGraceMs),
  };
}

function atLeastMin(ms: number | null): number | null {
  return ms === null ? null : Math.max(timeMsMin, ms);
}
