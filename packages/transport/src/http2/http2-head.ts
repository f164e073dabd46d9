import { type HeaderList, headerValue } from '../hpack/header-list.ts';
import { fieldValueBytes, targetBytes, tokenBytes } from '../http1/character-classes.ts';

/** The header of a request, valid by RFC 9113 section 8. One object stands for all that are alike. */
export interface Http2Head {
  readonly method: string;
  /** Empty for CONNECT alone. */
  readonly path: string;
  /** From :authority, or else Host; null where there is neither. */
  readonly authority: string | null;
  readonly contentType: string;
  /** -1 where none is given. */
  readonly contentLength: number;
  /** All fields, pseudo-headers included. */
  readonly fields: HeaderList;
}

const known = new WeakMap<HeaderList, Http2Head>();
const connectionFields = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);
const pseudoFields = [':method', ':scheme', ':path', ':authority'];

/** @returns Null when the request is malformed: RFC 9113 section 8.1.1. */
export function readHead(fields: HeaderList): Http2Head | null {
  const before = known.get(fields);
  if (before !== undefined) return before;
  const head = build(fields);
  if (head !== null) known.set(fields, head);
  return head;
}

/** Whether fields may stand in a trailer section: RFC 9113 section 8.1. */
export function areTrailers({ names, values }: HeaderList): boolean {
  return names.every((name, index) => isRegularField(name, values[index]!));
}

function build(fields: HeaderList): Http2Head | null {
  const { names, values } = fields;
  const pseudo: (string | null)[] = [null, null, null, null];
  let regularAt = 0;
  for (; names[regularAt]?.charCodeAt(0) === 0x3a; regularAt++) {
    const which = pseudoFields.indexOf(names[regularAt]!);
    const value = values[regularAt]!;
    if (which < 0 || pseudo[which] !== null || !isFieldValue(value)) return null;
    pseudo[which] = value;
  }
  for (let at = regularAt; at < names.length; at++) {
    if (!isRegularField(names[at]!, values[at]!)) return null;
  }
  const [method, scheme, path, authority] = pseudo;
  if (method === null || method === undefined || !isToken(method)) return null;
  if (method === 'CONNECT') {
    if (scheme !== null || path !== null || !authority) return null;
  } else if (!scheme || !path || !isPath(path, method)) return null;
  const contentLength = readContentLength(fields, regularAt);
  if (contentLength === null) return null;
  return {
    method,
    path: path ?? '',
    authority: authority ?? headerValue(fields, 'host'),
    contentType: headerValue(fields, 'content-type') ?? '',
    contentLength,
    fields,
  };
}

/** Length, -1 for none, or null for what is no length: RFC 9110 section 8.6. */
function readContentLength({ names, values }: HeaderList, from: number): number | null {
  let length = -1;
  for (let at = from; at < names.length; at++) {
    if (names[at] !== 'content-length') continue;
    const value = values[at]!;
    if (!/^\d{1,15}$/.test(value)) return null;
    if (length >= 0 && length !== Number(value)) return null;
    length = Number(value);
  }
  return length;
}

function isRegularField(name: string, value: string): boolean {
  if (!isName(name) || !isFieldValue(value) || connectionFields.has(name)) return false;
  return name !== 'te' || value.toLowerCase() === 'trailers';
}

/** A token without capitals: RFC 9113 section 8.2.1. */
function isName(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    if (code >= 0x41 && code <= 0x5a) return false;
  }
  return isToken(name);
}

function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (tokenBytes[text.charCodeAt(at)] !== 1) return false;
  }
  return text.length > 0;
}

function isFieldValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    if (fieldValueBytes[value.charCodeAt(at)] !== 1) return false;
  }
  return !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(value.length - 1));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Absolute path and query, or the `*` of OPTIONS: RFC 9113 section 8.3.1. */
function isPath(path: string, method: string): boolean {
  if (path.charCodeAt(0) !== 0x2f && !(path === '*' && method === 'OPTIONS')) return false;
  for (let at = 0; at < path.length; at++) {
    if (targetBytes[path.charCodeAt(at)] !== 1) return false;
  }
  return true;
}
