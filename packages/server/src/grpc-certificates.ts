import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { TritonError } from '@nereid/protocol';
import type { TlsOptions } from '@nereid/transport';
import type { Clock, Timer } from './core/clock.ts';
import type { Logger } from './core/logger.ts';
import type { GrpcTlsOptions } from './options/server-options.ts';

/** Between two looks at the files: three calls of `stat`, off the event loop. The second one that finds a change acts on it. */
const lookIntervalMs = 1000;

/**
 * Reads certificates and keys.
 * @throws TritonError INVALID_ARG that names the flag of a file that cannot be read.
 */
function readCertificates(options: GrpcTlsOptions): TlsOptions {
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

export interface CertificateReloaderOptions {
  readonly files: GrpcTlsOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Takes certificates that were renewed on disk into use without a restart. It looks at the files
 * instead of watching them: watches miss files on network volumes, and the symbolic links by which
 * Kubernetes changes secrets.
 */
export class CertificateReloader {
  readonly #options: CertificateReloaderOptions;
  readonly #paths: readonly string[];
  #replace: ((tls: TlsOptions) => void) | null = null;
  /** What the files were like when they were last read, and at the last look. */
  #used: string | null = null;
  #last: string | null = null;
  #lastProblem: string | null = null;
  #timer: Timer | null = null;
  #looking: Promise<void> | null = null;
  #stopped = false;

  constructor(options: CertificateReloaderOptions) {
    const { certFile, keyFile, rootFile } = options.files;
    this.#options = options;
    this.#paths = [certFile, keyFile, rootFile].filter((path) => path !== '');
  }

  /** What the files hold at the start. @throws TritonError as `readCertificates`. */
  async read(): Promise<TlsOptions> {
    // What changes from here on is found by the first look.
    this.#used = await fingerprint(this.#paths);
    return readCertificates(this.#options.files);
  }

  /**
   * Begins to look. Called once, after `read`.
   * @param replace Takes new certificates into use, or throws and leaves the old ones in use.
   */
  start(replace: (tls: TlsOptions) => void): void {
    this.#replace = replace;
    this.#lookLater();
  }

  /** Reads the files now, changed or not. */
  reload(): void {
    const { files, logger } = this.#options;
    try {
      this.#replace?.(readCertificates(files));
    } catch (failure) {
      this.#report((failure as Error).message);
      return;
    }
    this.#lastProblem = null;
    logger.info(`Reloaded the certificates of gRPC from ${this.#paths.join(', ')}`);
  }

  /** Resolves when a look that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  #lookLater(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.setTimer(lookIntervalMs, () => {
      this.#looking = this.#look();
    });
  }

  async #look(): Promise<void> {
    const now = await fingerprint(this.#paths);
    // Twice the same: a certificate and its key are not replaced in one moment.
    if (now === this.#last && now !== this.#used && !this.#stopped) {
      this.#used = now;
      this.reload();
    }
    this.#last = now;
    this.#lookLater();
  }

  /** Once for each problem, however often it is met. */
  #report(problem: string): void {
    if (problem === this.#lastProblem) return;
    this.#lastProblem = problem;
    this.#options.logger.error(
      `The new certificates of gRPC cannot be used, those in use stay: ${problem}`,
    );
  }
}

/** Changes whenever one of the files does, also when a file takes the place of another. */
async function fingerprint(paths: readonly string[]): Promise<string> {
  const marks = await Promise.all(
    paths.map(async (path) => {
      const found = await stat(path, { bigint: true }).catch(() => null);
      return found === null ? 'none' : `${found.dev}:${found.ino}:${found.size}:${found.ctimeNs}`;
    }),
  );
  return marks.join(' ');
}
