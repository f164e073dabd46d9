import { readFileSync } from 'node:fs';
import { TritonError } from '@nereid/protocol';
import type { GrpcKeepalive, TlsOptions } from '@nereid/transport';
import type {
  GrpcCompressionLevel,
  GrpcKeepaliveOptions,
  GrpcTlsOptions,
} from './options/server-options.ts';

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

/**
 * Reads certificates and keys.
 * @throws TritonError INVALID_ARG that names the flag of a file that cannot be read.
 */
export function transportTls(options: GrpcTlsOptions): TlsOptions {
  const { certFile, keyFile, rootFile, mutual } = options;
  return {
    cert: readPem('--grpc-server-cert', certFile),
    key: readPem('--grpc-server-key', keyFile),
    ...(rootFile === '' && !mutual ? {} : { ca: readPem('--grpc-root-cert', rootFile) }),
    mutual,
  };
}

function readPem(flag: string, path: string): Uint8Array {
  if (path === '') {
    throw new TritonError('INVALID_ARG', `gRPC over TLS needs ${flag}=<path of a PEM file>`);
  }
  try {
    return readFileSync(path);
  } catch (cause) {
    const text = `failed to read ${flag}=${path}: ${(cause as Error).message}`;
    throw new TritonError('INVALID_ARG', text, { cause });
  }
}
