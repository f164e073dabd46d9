import type { HeaderField } from '../http-handler.ts';
import { fieldValueBytes, tokenBytes } from './character-classes.ts';
import { reasonPhrases } from './reason-phrases.ts';

const statusLines = new Map<number, string>();

function statusLine(status: number): string {
  const known = statusLines.get(status);
  if (known !== undefined) return known;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new Error(`no final status: ${status}`);
  }
  const line = `HTTP/1.1 ${status} ${reasonPhrases.get(status) ?? 'Unknown'}\r\n`;
  statusLines.set(status, line);
  return line;
}

/** Whether a response with this status has no body at all: RFC 9110 section 6.4.1. */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 304;
}

/**
 * Status line and fields, without the blank line at the end. Fields that frame the message are
 * the server's own business.
 *
 * @throws Error when a field is none, would split the response or frames it.
 */
export function responseHead(status: number, headers: readonly HeaderField[]): string {
  let text = statusLine(status);
  for (const [name, value] of headers) {
    if (!isToken(name) || isFraming(name)) throw new Error(`not a header to be sent: ${name}`);
    if (!isFieldValue(value)) throw new Error(`value of header ${name} cannot be sent`);
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

function isToken(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    if (tokenBytes[name.charCodeAt(at)] !== 1) return false;
  }
  return name.length > 0;
}

function isFieldValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    if (fieldValueBytes[value.charCodeAt(at)] !== 1) return false;
  }
  return true;
}

function isFraming(name: string): boolean {
  switch (name.length) {
    case 10:
      return name.toLowerCase() === 'connection';
    case 14:
      return name.toLowerCase() === 'content-length';
    case 17:
      return name.toLowerCase() === 'transfer-encoding';
    default:
      return false;
  }
}
