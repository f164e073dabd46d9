import { equalsLowerCase, lowerCase } from './character-classes.ts';
import { badRequest, failure, type HttpFailure } from './http-failure.ts';
import type { RequestHead } from './request-head.ts';

/** Nothing that can be held has a length of more digits; 15 stay exact in a double. */
const contentLengthDigitsMax = 15;

/**
 * Takes note of the field if it says where the body ends or what becomes of the connection. These
 * are what request smuggling lives on, so nothing here is forgiven: RFC 9112 sections 6 and 9.
 */
export function readFramingField(
  head: RequestHead,
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
): HttpFailure | null {
  const { bytes } = head;
  switch (nameEnd - nameStart) {
    case 4:
      return equalsLowerCase(bytes, nameStart, nameEnd, 'host') ? readHost(head) : null;
    case 6:
      // RFC 9110 section 10.1.1: HTTP/1.0 knows no expectations.
      if (head.minorVersion === 1 && equalsLowerCase(bytes, nameStart, nameEnd, 'expect')) {
        const known = equalsLowerCase(bytes, valueStart, valueEnd, '100-continue');
        head.expect = known && head.expect !== 'unknown' ? 'continue' : 'unknown';
      }
      return null;
    case 10:
      if (equalsLowerCase(bytes, nameStart, nameEnd, 'connection')) {
        readConnection(head, valueStart, valueEnd);
      }
      return null;
    case 14:
      return equalsLowerCase(bytes, nameStart, nameEnd, 'content-length')
        ? readContentLength(head, valueStart, valueEnd)
        : null;
    case 17:
      return equalsLowerCase(bytes, nameStart, nameEnd, 'transfer-encoding')
        ? readTransferEncoding(head, valueStart, valueEnd)
        : null;
    default:
      return null;
  }
}

function readHost(head: RequestHead): HttpFailure | null {
  if (head.hasHost) return badRequest('more than one Host');
  head.hasHost = true;
  return null;
}

function readContentLength(head: RequestHead, start: number, end: number): HttpFailure | null {
  if (head.contentLength >= 0) return badRequest('more than one Content-Length');
  if (head.chunked) return badRequest('Content-Length beside Transfer-Encoding');
  if (start === end) return badRequest('empty Content-Length');
  let length = 0;
  let digits = 0;
  for (let at = start; at < end; at++) {
    const digit = head.bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return badRequest('Content-Length is no decimal number');
    length = length * 10 + digit;
    if (length > 0 && ++digits > contentLengthDigitsMax) {
      return failure(413, 'Content-Length is beyond all limits');
    }
  }
  head.contentLength = length;
  return null;
}

function readTransferEncoding(head: RequestHead, start: number, end: number): HttpFailure | null {
  if (head.contentLength >= 0) return badRequest('Transfer-Encoding beside Content-Length');
  if (head.minorVersion === 0) return badRequest('Transfer-Encoding in HTTP/1.0');
  if (head.chunked) return badRequest('more than one Transfer-Encoding');
  if (start === end) return badRequest('empty Transfer-Encoding');
  if (!equalsLowerCase(head.bytes, start, end, 'chunked')) {
    return failure(501, 'the only transfer coding that is understood is chunked');
  }
  head.chunked = true;
  return null;
}

function readConnection(head: RequestHead, start: number, end: number): void {
  const { bytes } = head;
  let tokenStart = start;
  for (let at = start; at <= end; at++) {
    if (at < end && bytes[at] !== 0x2c) continue;
    let from = tokenStart;
    let to = at;
    while (from < to && isBlank(bytes[from]!)) from++;
    while (to > from && isBlank(bytes[to - 1]!)) to--;
    // Most connections say nothing or keep-alive: the first letter decides.
    const first = from < to ? lowerCase[bytes[from]!] : 0;
    if (first === 0x63 && equalsLowerCase(bytes, from, to, 'close')) head.connectionClose = true;
    if (first === 0x6b && equalsLowerCase(bytes, from, to, 'keep-alive')) {
      head.connectionKeepAlive = true;
    }
    tokenStart = at + 1;
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
