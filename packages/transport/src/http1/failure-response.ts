import type { HttpFailure } from './http-failure.ts';
import { responseHead } from './response-head.ts';

const headers = [['Content-Type', 'application/json']] as const;

/** The whole answer to what is refused, after which the connection closes. Each character a byte. */
export function failureResponse(failure: HttpFailure): string {
  const body = JSON.stringify({ error: failure.text });
  const head = responseHead(failure.status, headers);
  return `${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}
