import { httpStatusByCode, jsonStringLiteral } from '@nereid/protocol';
import type { HeaderField, HttpResponder } from '@nereid/transport';
import type { Logger } from '../../core/logger.ts';
import { logFailure, publicFailure } from '../../core/public-failure.ts';
import type { ErrorReply, ErrorStyle, HttpRoute, Refusal, ReplyContentType } from './http-route.ts';

const jsonHeaders: readonly HeaderField[] = [['Content-Type', 'application/json']];
const textHeaders: readonly HeaderField[] = [['Content-Type', 'text/plain']];

/** For the log: what failed. */
const failedCall = 'an HTTP request';

/** 200 with `value` as JSON. */
export function sendJson(responder: HttpResponder, value: unknown): void {
  sendJsonText(responder, JSON.stringify(value));
}

/** 200 with a JSON text. */
export function sendJsonText(responder: HttpResponder, text: string): void {
  responder.send(200, jsonHeaders, text);
}

/** A status alone, with an empty body. */
export function sendEmpty(
  responder: HttpResponder,
  status: number,
  contentType: ReplyContentType,
): void {
  responder.send(status, headersOf(contentType), null);
}

/** `{"error": text}` under `status`. */
export function sendErrorText(
  responder: HttpResponder,
  status: number,
  text: string,
  contentType: ReplyContentType,
  moreHeaders: readonly HeaderField[] = [],
): void {
  const reply = errorReply(status, text, contentType);
  responder.send(status, [...reply.headers, ...moreHeaders], reply.body);
}

/** What `sendErrorText` sends. */
function errorReply(status: number, text: string, contentType: ReplyContentType): ErrorReply {
  return { status, headers: headersOf(contentType), body: errorText(text) };
}

/** The JSON of an error. */
export function errorText(text: string): string {
  return `{"error":${jsonStringLiteral(text)}}`;
}

/** Answers a failure. What is not a TritonError tells the client nothing and the log everything. */
export function sendFailure(
  responder: HttpResponder,
  failure: unknown,
  contentType: ReplyContentType,
  logger: Logger,
): void {
  if (responder.sent) {
    logFailure(failure, failedCall, logger);
    return;
  }
  const { code, message } = publicFailure(failure, failedCall, logger);
  sendErrorText(responder, httpStatusByCode[code], message, contentType);
}

/** How an endpoint answers a method that it does not have. */
export function wrongMethodReply(route: HttpRoute, method: string, path: string): ErrorReply {
  const { errors, contentType, methods } = route;
  if (errors !== undefined) return errors.wrongMethod(method, path, methods);
  return errorReply(405, 'Method Not Allowed', contentType);
}

/** How a path is answered that no endpoint has. @param style Of the API that it belongs to; null for Triton's. */
export function noEndpointReply(
  style: ErrorStyle | null,
  method: string,
  path: string,
): ErrorReply {
  if (style?.errors !== undefined) return style.errors.noEndpoint(method, path);
  return errorReply(404, 'Not Found', 'text/plain');
}

const refusalStatuses: Readonly<Record<Refusal, number>> = {
  restricted: 403,
  length: 400,
};

/** How an endpoint answers a request that it does not get to see. */
export function refusalReply(style: ErrorStyle | null, refusal: Refusal, text: string): ErrorReply {
  if (style?.errors !== undefined) return style.errors.refusal(refusal, text);
  const contentType = refusal === 'restricted' ? 'text/plain' : style?.contentType;
  return errorReply(refusalStatuses[refusal], text, contentType ?? 'application/json');
}

/** Answers a failure of an endpoint, in the words of its API. */
export function sendRouteFailure(
  { errors, contentType }: HttpRoute,
  responder: HttpResponder,
  failure: unknown,
  logger: Logger,
): void {
  if (errors === undefined || responder.sent) {
    sendFailure(responder, failure, contentType, logger);
    return;
  }
  const { status, headers, body } = errors.failure(publicFailure(failure, failedCall, logger));
  responder.send(status, headers, body);
}

function headersOf(contentType: ReplyContentType): readonly HeaderField[] {
  return contentType === 'application/json' ? jsonHeaders : textHeaders;
}
