import { ErrorCode, type HeaderList, headerValue, type StreamLoss } from '@nereid/transport/client';
import { statusText } from '../grpc/status-text.ts';
import {
  connectionError,
  grpcError,
  type ErrorCode as InferenceCode,
  type InferenceError,
  localError,
  notGrpcError,
} from '../inference-error.ts';

/** What gRPC makes of a stream that is reset: its document PROTOCOL-HTTP2, "Errors". */
const codeByReset: Readonly<Record<number, InferenceCode>> = {
  [ErrorCode.refusedStream]: 'UNAVAILABLE',
  [ErrorCode.cancel]: 'CANCELLED',
  [ErrorCode.enhanceYourCalm]: 'RESOURCE_EXHAUSTED',
  [ErrorCode.inadequateSecurity]: 'PERMISSION_DENIED',
};

const resetNames: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(ErrorCode).map(([name, code]) => [
    code,
    name.replace(/[A-Z]/gu, (letter) => `_${letter}`).toUpperCase(),
  ]),
);

/** What a complete answer says of its call. @returns Null for success. */
export function grpcOutcome(
  httpStatus: number,
  trailers: HeaderList | null,
): InferenceError | null {
  const status = trailers === null ? null : headerValue(trailers, 'grpc-status');
  if (trailers === null || status === null) {
    if (httpStatus === 200) return localError('UNAVAILABLE', 'the call ended without a status');
    return notGrpcError(httpStatus, 'the call ended without a status', '');
  }
  if (status === '0') return null;
  const text = statusText(headerValue(trailers, 'grpc-message') ?? '');
  return grpcError(/^\d{1,3}$/u.test(status) ? Number(status) : 2, text);
}

/** What a header says that is none of gRPC. @returns Null for one that is. */
export function notGrpc(
  authority: string,
  httpStatus: number,
  header: HeaderList,
): InferenceError | null {
  const contentType = headerValue(header, 'content-type') ?? '';
  if (contentType.startsWith('application/grpc')) return null;
  if (headerValue(header, 'grpc-status') !== null) return null;
  const kind = contentType === '' ? '' : ` but ${contentType}`;
  return notGrpcError(httpStatus, `${authority} does not answer with gRPC${kind}`, '');
}

/** What a call ends with whose stream was lost. */
export function lossError(
  authority: string,
  { code, by, text, cause }: StreamLoss,
): InferenceError {
  const detail = text === '' ? '' : `: ${text}`;
  const name = resetNames[code] ?? `error ${code}`;
  if (by === 'connection') {
    const known =
      text === '' ? cause : new Error(`the server ended the connection (${name})${detail}`);
    return connectionError(authority, known ?? new Error('the connection was lost'));
  }
  if (by === 'us') {
    return localError('INTERNAL', `${authority}: the answer breaks HTTP/2 (${name})${detail}`);
  }
  const failure = codeByReset[code] ?? 'INTERNAL';
  return localError(failure, `${authority}: the server reset the call (${name})${detail}`);
}
