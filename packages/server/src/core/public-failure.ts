import { TritonError } from '@nereid/protocol';
import type { Logger } from './logger.ts';

/**
 * What a client is told of a failure. What is not a TritonError tells the client nothing and the log
 * everything.
 *
 * @param where For the log: what failed.
 */
export function publicFailure(failure: unknown, where: string, logger: Logger): TritonError {
  if (failure instanceof TritonError) return failure;
  logFailure(failure, where, logger);
  return new TritonError('INTERNAL', 'internal error, see the log of the server');
}

/** For the log: a failure that nobody is told of. */
export function logFailure(failure: unknown, where: string, logger: Logger): void {
  const cause = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
  logger.error(`unexpected failure of ${where}: ${cause}`);
}
