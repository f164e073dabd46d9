import type { StatusCode } from './status-code.ts';

/**
 * The one error that goes to clients: a code that decides the status on each wire, and a text that
 * clients show and match on. What is not a TritonError is a defect, and its text stays in the log.
 */
export class TritonError extends Error {
  readonly code: StatusCode;

  constructor(code: StatusCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TritonError';
    this.code = code;
  }
}
