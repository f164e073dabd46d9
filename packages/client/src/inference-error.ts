import { grpcStatusNames } from '@nereid/protocol/data-types';

/** What went wrong: gRPC's names, since HTTP statuses tell less. */
export type ErrorCode = Exclude<(typeof grpcStatusNames)[number], 'OK'>;

const codeByHttpStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ALREADY_EXISTS',
  413: 'RESOURCE_EXHAUSTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** A request that was not answered as asked: refused or failed by the server, or lost on the way. */
export class InferenceError extends Error {
  readonly code: ErrorCode;
  /** The HTTP status or gRPC status number; null when no answer came. */
  readonly status: number | null;

  /** @param message The server's own text where there is one. */
  constructor(code: ErrorCode, message: string, status: number | null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'InferenceError';
    this.code = code;
    this.status = status;
  }
}

/** The error of an HTTP answer that is no success. */
export function httpError(status: number, message: string): InferenceError {
  const code = codeByHttpStatus[status] ?? (status >= 500 ? 'INTERNAL' : 'UNKNOWN');
  return new InferenceError(code, message, status);
}

/** The error of a gRPC status other than 0. */
export function grpcError(status: number, message: string): InferenceError {
  const name = grpcStatusNames[status] ?? 'UNKNOWN';
  return new InferenceError(name === 'OK' ? 'UNKNOWN' : name, message, status);
}

/** What HTTP's statuses mean where gRPC was expected. (gRPC's doc/http-grpc-status-mapping.md.) */
const codeOfForeignAnswer: Readonly<Record<number, ErrorCode>> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
};

/** The error of an HTTP answer that is no gRPC at all: from another server, or a proxy before it. */
export function notGrpcError(status: number, what: string, body: string): InferenceError {
  const text = `${what}, but with HTTP status ${status}${body === '' ? '' : `: ${body}`}`;
  return new InferenceError(codeOfForeignAnswer[status] ?? 'UNKNOWN', text, status);
}

/** The request's own time is over. */
export function timeoutError(timeoutMs: number): InferenceError {
  return new InferenceError('DEADLINE_EXCEEDED', `no answer within ${timeoutMs} ms`, null);
}

/** What a caller's `AbortSignal` ends a request with. */
export function abortedError(signal: AbortSignal): InferenceError {
  return new InferenceError('CANCELLED', 'the request was cancelled', null, signal.reason);
}

/** Something went wrong on this side of the wire. */
export function localError(code: ErrorCode, message: string): InferenceError {
  return new InferenceError(code, message, null);
}

/** No connection, or it broke before the answer was whole. */
export function connectionError(where: string, cause: unknown): InferenceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new InferenceError('UNAVAILABLE', `${where}: ${reason}`, null, cause);
}

/** An answer came, but it is not what a server answers. */
export function unreadableAnswer(cause: unknown): InferenceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `the server's answer cannot be read: ${reason}`;
  return new InferenceError('INTERNAL', text, null, cause);
}
