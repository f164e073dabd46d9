/** The methods that llhttp knows, but CONNECT: we are no proxy. Others get 501 (RFC 9110 section 9.1). */
const names = (
  'DELETE GET HEAD POST PUT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH ' +
  'UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE ' +
  'UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE QUERY'
).split(' ');

const knownMethods: ReadonlySet<string> = new Set(names);

/** Longer than any known method. */
export const methodBytesMax = 32;

/** The method at `bytes[start, end)`, or null when nobody knows it. */
export function readMethod(bytes: Buffer, start: number, end: number): string | null {
  // POST and GET are nearly all there is: no string is made for them.
  const first = bytes[start];
  const length = end - start;
  if (
    length === 4 &&
    first === 0x50 &&
    bytes[start + 1] === 0x4f &&
    bytes[start + 2] === 0x53 &&
    bytes[start + 3] === 0x54
  ) {
    return 'POST';
  }
  if (length === 3 && first === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54) {
    return 'GET';
  }
  const name = bytes.toString('latin1', start, end);
  return knownMethods.has(name) ? name : null;
}
