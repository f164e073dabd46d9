import { httpStatusByCode, jsonStringLiteral } from '@nereid/protocol';
import type { HeaderField, HttpResponder } from '@nereid/transport';
import type { Logger } from '../../core/logger.ts';
import { logFailure, publicFailure } from '../../core/public-failure.ts';
import type { ReplyContentType } from './http-route.ts';

const jsonHeaders: readonly HeaderField[] = [['Content-Type', 'application/json']];
const textHeaders: readonly HeaderField[] = [['Content-Type', 'text/plain']];

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
export function errorReply(
  status: number,
  text: string,
  contentType: ReplyContentType,
): { status: number; headers: readonly HeaderField[]; body: string } {
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
    logFailure(failure, 'an HTTP request', logger);
    return;
  }
  const { code, message } = publicFailure(failure, 'an HTTP request', logger);
  sendErrorText(responder, httpStatusByCode[code], message, contentType);
}

function headersOf(contentType: ReplyContentType): readonly HeaderField[] {
  return contentType === 'application/json' ? jsonHeaders : textHeaders;
}
