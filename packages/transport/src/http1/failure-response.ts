import type { RefusalText } from '../http-handler.ts';
import { responseHead } from './response-head.ts';

/** The whole answer to what is refused, after which the connection closes. Each character a byte. */
export function failureResponse(status: number, { headers, body }: RefusalText): string {
  const head = responseHead(status, headers);
  return `${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}
