import type { ConnectionOptions } from 'node:tls';
import type { HttpEndpoint } from './http-connection.ts';

/** Certificates, in PEM. */
export interface TlsClientOptions {
  /** Who signs the server's certificate. Default: Node's list. */
  readonly ca?: string | Uint8Array;
  /** The client's own certificate and key, for mutual TLS. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the server's certificate must have, where it is another than the host's. */
  readonly serverName?: string;
  /** False trusts any certificate: for tests only. */
  readonly verify?: boolean;
}

const portsByScheme: Readonly<Record<string, number>> = {
  http: 8000,
  https: 443,
  grpc: 8001,
  grpcs: 8001,
};

/**
 * Where a URL leads. Without a scheme it is plain.
 * @throws TypeError for what is no URL of a server.
 */
export function endpointOf(
  url: string,
  tls: TlsClientOptions | undefined,
): { endpoint: HttpEndpoint; path: string } {
  const found =
    /^(?:(https?|grpcs?):\/\/)?(\[[0-9a-f:.]+\]|[^/:@?#\s]+)(?::(\d+))?(\/[^?#\s]*)?$/iu.exec(url);
  const scheme = (found?.[1] ?? 'http').toLowerCase();
  const port = found?.[3] === undefined ? (portsByScheme[scheme] as number) : Number(found[3]);
  if (found === null || port < 1 || port > 65_535) {
    throw new TypeError(`'${url}' is no address of a server: give one as http://localhost:8000`);
  }
  const bracketed = found[2] as string;
  const host = bracketed.replace(/^\[|\]$/gu, '');
  const secure = scheme.endsWith('s') || tls !== undefined;
  return {
    endpoint: {
      host,
      port,
      authority: `${bracketed}:${port}`,
      tls: secure ? connectionOptions(host, tls ?? {}) : null,
    },
    path: (found[4] ?? '').replace(/\/+$/u, ''),
  };
}

function connectionOptions(host: string, options: TlsClientOptions): ConnectionOptions {
  const { ca, cert, key, serverName, verify } = options;
  const name = serverName ?? (/^[\d.]+$|:/u.test(host) ? undefined : host);
  return {
    ...(ca === undefined ? {} : { ca: ca as Buffer }),
    ...(cert === undefined ? {} : { cert: cert as Buffer }),
    ...(key === undefined ? {} : { key: key as Buffer }),
    ...(name === undefined ? {} : { servername: name }),
    rejectUnauthorized: verify !== false,
  };
}
