import type { StatusCode } from '@nereid/protocol/data-types';

/** What went wrong, as both wires of the server know it. */
export type ErrorCode = StatusCode;

/**
 * An error for the client: its code decides the status, its message is sent as it is. Throw it from
 * `execute`, or give it instead of one response. Other errors become INTERNAL, with their stack.
 * Calls of other models fail with it too.
 */
export class TritonError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TritonError';
    this.code = code;
  }
}
