import {
  formatHint,
  ModelConfigError,
  type ModelConfigHint,
  type StatusCode,
  TritonError,
} from '@nereid/protocol';
import type { Logger } from './logger.ts';

/** Codes in words, as Triton prints them. */
export const statusWords: Readonly<Record<StatusCode, string>> = {
  UNKNOWN: 'Unknown',
  INTERNAL: 'Internal',
  NOT_FOUND: 'Not found',
  INVALID_ARG: 'Invalid argument',
  UNAVAILABLE: 'Unavailable',
  UNSUPPORTED: 'Unsupported',
  ALREADY_EXISTS: 'Already exists',
  CANCELLED: 'Cancelled',
};

/**
 * An error as Triton prints it where code and message stand together (a version's reason in the
 * repository index, logs): `Invalid argument: …`. A failure that is not a TritonError is a defect
 * of ours: its stack goes to the log, its message is kept, since it concerns the operator's own model.
 */
export function statusText(error: unknown, logger: Logger): string {
  if (error instanceof TritonError) return `${statusWords[error.code]}: ${error.message}`;
  logger.error(`unexpected failure: ${error instanceof Error ? error.stack : String(error)}`);
  return `Internal: ${error instanceof Error ? error.message : String(error)}`;
}

/** Where the configuration is at fault and how to mend it; null when nothing more is known. */
export function hintOf(error: unknown): ModelConfigHint | null {
  return error instanceof ModelConfigError ? error.hint : null;
}

/** The same for the log; '' when nothing more is known. */
export function hintText(error: unknown): string {
  const hint = hintOf(error);
  return hint === null ? '' : ` (${formatHint(hint)})`;
}
