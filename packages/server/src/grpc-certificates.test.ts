import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@nereid/test-kit';
import type { TlsOptions } from '@nereid/transport';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from './core/logger.ts';
import { CertificateReloader } from './grpc-certificates.ts';

let folder: string;
let clock: ManualClock;
let reloader: CertificateReloader;
let taken: string[];
let logged: string[];
/** What the transport says of the next certificates. */
let defect: string | null;

function text(tls: TlsOptions): string {
  return [tls.cert, tls.key, tls.ca ?? ''].map(String).join(',');
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-certificates-'));
  for (const name of ['cert', 'key', 'root']) writeFileSync(join(folder, name), name);
  clock = new ManualClock();
  taken = [];
  logged = [];
  defect = null;
  reloader = new CertificateReloader({
    files: {
      certFile: join(folder, 'cert'),
      keyFile: join(folder, 'key'),
      rootFile: join(folder, 'root'),
      mutual: true,
    },
    clock,
    logger: {
      ...silentLogger,
      error: (line) => logged.push(`E ${line}`),
      info: (line) => logged.push(`I ${line}`),
    },
  });
  expect(text(await reloader.read())).toBe('cert,key,root');
  reloader.start((tls) => {
    if (defect !== null) throw new Error(defect);
    taken.push(text(tls));
  });
});

afterEach(async () => {
  await reloader.stop();
  rmSync(folder, { recursive: true });
});

/** Lets the next look happen, and waits until the one after it is planned. */
async function lookOnce(): Promise<void> {
  clock.advanceMs(1000);
  await expect.poll(() => clock.timerCount).toBe(1);
}

/** One look that finds a change, and one that finds no other. */
async function look(): Promise<void> {
  await lookOnce();
  await lookOnce();
}

it('takes what was renewed, also by renaming, and nothing else', async () => {
  await look();
  expect(taken).toEqual([]);
  writeFileSync(join(folder, 'new'), 'CERT');
  renameSync(join(folder, 'new'), join(folder, 'cert'));
  await look();
  await look();
  writeFileSync(join(folder, 'root'), 'ROOT');
  await look();
  expect(taken).toEqual(['CERT,key,root', 'CERT,key,ROOT']);
  expect(logged).toHaveLength(2);
  expect(logged[0]).toContain('I Reloaded the certificates of gRPC from ');
});

it('waits until all files are there', async () => {
  writeFileSync(join(folder, 'cert'), 'CERT');
  await lookOnce();
  writeFileSync(join(folder, 'key'), 'KEY');
  await lookOnce();
  expect(taken).toEqual([]);
  await lookOnce();
  expect(taken).toEqual(['CERT,KEY,root']);
});

it('keeps the old ones when the new ones are broken, and says so once', async () => {
  defect = 'key values mismatch';
  writeFileSync(join(folder, 'cert'), 'half');
  await look();
  await look();
  writeFileSync(join(folder, 'cert'), 'half as well');
  await look();
  expect(taken).toEqual([]);
  expect(logged).toEqual([
    'E The new certificates of gRPC cannot be used, those in use stay: key values mismatch',
  ]);
  rmSync(join(folder, 'key'));
  await look();
  expect(logged[1]).toContain('failed to read --grpc-server-key=');
  defect = null;
  writeFileSync(join(folder, 'key'), 'KEY');
  await look();
  expect(taken).toEqual(['half as well,KEY,root']);
});

it('reads them at once when it is told to', () => {
  reloader.reload();
  expect(taken).toEqual(['cert,key,root']);
});

it('stops looking', async () => {
  await reloader.stop();
  expect(clock.timerCount).toBe(0);
});
