import { TritonError } from '@nereid/protocol';
import { statusWords } from './core/status-text.ts';
import { parseOptions } from './options/parse-options.ts';
import type { ServerOptions } from './options/server-options.ts';
import { Server } from './server.ts';

/** What the process ends with when the server could not start, as Triton's. */
const failureStatus = 1;

/**
 * The command line: `tritonserver FLAGS…`. Returns when the server is up; the process then lives
 * until SIGINT or SIGTERM. The only place that ends the process.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const parsed = parseOptions(argv, process.env);
  if (parsed.kind === 'help') {
    process.stdout.write(parsed.text);
    return;
  }
  if (parsed.kind === 'error') {
    process.stderr.write(`${parsed.message}\n`);
    process.exit(failureStatus);
  }
  await serve(parsed.options);
}

/** Timers and children that are waited for may all be such that Node would not stay for their sake. */
const keepAliveMs = 0x7fff_ffff;

async function serve(options: ServerOptions): Promise<void> {
  setInterval(() => {}, keepAliveMs);
  let server: Server;
  try {
    server = new Server(options);
  } catch (error) {
    fail(error);
  }
  stopOnSignals(server);
  // Without certificates a hangup ends the process, as it ends Triton.
  if (options.grpc.tls !== null) process.on('SIGHUP', () => server.reloadCertificates());
  if (options.log.file !== '') reopenLogOnSignals(server);
  surviveDefects(server);
  try {
    await server.start();
  } catch (error) {
    fail(error);
  }
}

/** One signal drains; a second one ends the process at once. */
function stopOnSignals(server: Server): void {
  let signals = 0;
  const onSignal = (): void => {
    if (++signals > 1) process.exit(failureStatus);
    server.stop().then(
      (drained) => process.exit(drained ? 0 : failureStatus),
      () => process.exit(failureStatus),
    );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

/** Both are in use for that among servers. Without a log file they do what they do to any process. */
function reopenLogOnSignals(server: Server): void {
  process.on('SIGHUP', () => server.reopenLog());
  process.on('SIGUSR1', () => server.reopenLog());
}

/**
 * A defect in the handling of one request must not take the others with it: it is written down, and
 * the server goes on.
 */
function surviveDefects(server: Server): void {
  process.on('uncaughtException', (error) => server.reportDefect(error));
  process.on('unhandledRejection', (reason) => server.reportDefect(reason));
}

function fail(error: unknown): never {
  const text =
    error instanceof TritonError
      ? `${statusWords[error.code]} - ${error.message}`
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`error: creating server: ${text}\n`);
  process.exit(failureStatus);
}
