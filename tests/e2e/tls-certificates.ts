import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What keeps this machine from making certificates, or null. */
export const opensslProblem: string | null =
  spawnSync('openssl', ['version']).status === 0 ? null : 'openssl is not installed';

const days = '30';

function openssl(folder: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args.join(' ')} failed: ${stderr}`);
}

function makeKey(folder: string, name: string): void {
  openssl(folder, ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`]);
}

/**
 * Makes an authority (`ca.pem`, `ca.key`) with a server of its own on localhost and 127.0.0.1 (`server.pem`,
 * `server.key`) and a client (`client.pem`, `client.key`), all anew.
 */
export function makeCertificates(folder: string, authority: string): void {
  mkdirSync(folder, { recursive: true });
  makeKey(folder, 'ca');
  openssl(folder, [
    ...['req', '-x509', '-new', '-key', 'ca.key', '-out', 'ca.pem', '-days', days],
    ...['-subj', `/CN=${authority}`],
  ]);
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  for (const name of ['server', 'client']) {
    makeKey(folder, name);
    openssl(folder, [
      ...['req', '-new', '-key', `${name}.key`, '-out', `${name}.csr`],
      ...['-subj', `/CN=${name} of ${authority}`],
    ]);
    openssl(folder, [
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key'],
      ...['-CAcreateserial', '-out', `${name}.pem`, '-days', days, '-extfile', 'names'],
    ]);
  }
}
