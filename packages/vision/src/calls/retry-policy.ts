import { InferenceError } from '@nereid/client';
import type { RequestOutcome } from './circuit-breaker.ts';

export interface BackoffOptions {
  /** The first wait at most. Default 200 ms; each further one may be twice as long. */
  readonly delayMs?: number;
  /** No wait is longer. Default 10 s. */
  readonly delayMsMax?: number;
}

const delayMsDefault = 200;
const delayMsMaxDefault = 10_000;

/**
 * Whether the same request may succeed when it is sent again: the connection or the server was not there, a queue was
 * full, a gateway asked for patience. Never the client's own error, nor one that the model would repeat; nor a time
 * that is over, since the caller's is over with it.
 */
export function mayRetry(error: unknown): boolean {
  if (!(error instanceof InferenceError)) return false;
  return error.code === 'UNAVAILABLE' || error.status === 429;
}

/** What an error tells of the server: one that refuses a request is alive. */
export function outcomeOf(error: unknown): RequestOutcome {
  if (!(error instanceof InferenceError) || error.code === 'CANCELLED') return 'neutral';
  return mayRetry(error) || error.code === 'DEADLINE_EXCEEDED' ? 'failure' : 'success';
}

/**
 * How long to wait before a request is sent again: twice as long each time, and of that between the half and all by chance, so
 * that clients that failed together do not come back together.
 *
 * @param attempt How often it was sent already, from 1.
 * @param random From 0 to 1.
 */
export function backoffMs(attempt: number, random: number, options: BackoffOptions = {}): number {
  const { delayMs = delayMsDefault, delayMsMax = delayMsMaxDefault } = options;
  const wholeMs = Math.min(delayMsMax, delayMs * 2 ** (attempt - 1));
  return wholeMs * (0.5 + random / 2);
}
