import { X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import type {
  SecureContextOptions,
  Server,
  TLSSocket,
  TlsOptions as TlsServerOptions,
} from 'node:tls';

const requireNode = createRequire(import.meta.url);

/** Loaded with the first port that needs it: it takes 2 MB, among others for Node's own list of authorities. */
const nodeTls = (): typeof import('node:tls') => requireNode('node:tls');

/** Certificates of a TLS port, in PEM. */
export interface TlsOptions {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  /** Who signs the certificates of clients. */
  readonly ca?: string | Uint8Array;
  /** Refuses clients without a certificate that `ca` signed. */
  readonly mutual?: boolean;
}

/** @throws Error that says what is wrong with the certificates. */
export function createTlsServer(
  tls: TlsOptions,
  options: TlsServerOptions,
  accept: (socket: TLSSocket) => void,
): Server {
  const mutual = tls.mutual === true;
  return nodeTls().createServer(
    { ...options, ...checkedContext(tls), requestCert: mutual, rejectUnauthorized: mutual },
    accept,
  );
}

/**
 * New connections get the new certificates, and sessions of the old ones are not resumed; connections
 * that are open live on. Whether clients need a certificate does not change.
 *
 * @throws Error that says what is wrong with them; the old ones stay then.
 */
export function replaceCertificates(server: Server, tls: TlsOptions): void {
  server.setSecureContext(checkedContext(tls));
}

/** What Node would find only with the first client, or half-way through a replacement, is found here. */
function checkedContext(tls: TlsOptions): SecureContextOptions {
  const context: SecureContextOptions = {
    cert: tls.cert as Buffer,
    key: tls.key as Buffer,
    ...(tls.ca === undefined ? {} : { ca: tls.ca as Buffer }),
  };
  // Node goes on without what is empty.
  if (tls.cert.length === 0) throw new Error('the certificate is empty');
  if (tls.key.length === 0) throw new Error('the key is empty');
  // Finds a key that does not belong to the certificate, too.
  nodeTls().createSecureContext(context);
  // OpenSSL's loader of authorities takes a file without any for an empty list.
  if (tls.ca !== undefined) new X509Certificate(tls.ca as Buffer);
  return context;
}
