/** The start of an answer. */
export interface ResponseHead {
  readonly status: number;
  /** By name in lower case; values of a name that comes several times are joined with commas. */
  readonly fields: ReadonlyMap<string, string>;
  /** Whether the connection can be used again after the body. */
  readonly keepAlive: boolean;
  /** Bytes of the body; null for chunks, or until the connection ends. */
  readonly contentLength: number | null;
  readonly chunked: boolean;
}

const statusLine = /^HTTP\/1\.([01]) (\d{3})(?: |$)/u;

/** @param text The header without the empty line at its end. @throws SyntaxError for what is no HTTP/1 answer. */
export function parseResponseHead(text: string): ResponseHead {
  const lines = text.split('\r\n');
  const found = statusLine.exec(lines[0] ?? '');
  if (found === null) throw new SyntaxError('this is no HTTP/1 answer');
  const status = Number(found[2]);
  const fields = new Map<string, string>();
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string;
    const colon = line.indexOf(':');
    if (colon <= 0) throw new SyntaxError('a header field of the answer has no name');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const chunked = /(^|,)\s*chunked\s*$/iu.test(fields.get('transfer-encoding') ?? '');
  const connection = (fields.get('connection') ?? '').toLowerCase();
  const bodiless = status < 200 || status === 204 || status === 304;
  const contentLength = bodiless ? 0 : chunked ? null : lengthOf(fields.get('content-length'));
  const framed = contentLength !== null || chunked;
  const keepAlive =
    framed &&
    !connection.includes('close') &&
    (found[1] === '1' || connection.includes('keep-alive'));
  return { status, fields, keepAlive, contentLength, chunked: chunked && !bodiless };
}

function lengthOf(value: string | undefined): number | null {
  if (value === undefined) return null;
  if (!/^\d{1,15}$/u.test(value)) throw new SyntaxError(`'${value}' is no Content-Length`);
  return Number(value);
}
