const fields =
  ':authority;:method|GET;:method|POST;:path|/;:path|/index.html;:scheme|http;:scheme|https;' +
  ':status|200;:status|204;:status|206;:status|304;:status|400;:status|404;:status|500;' +
  'accept-charset;accept-encoding|gzip, deflate;accept-language;accept-ranges;accept;' +
  'access-control-allow-origin;age;allow;authorization;cache-control;content-disposition;' +
  'content-encoding;content-language;content-length;content-location;content-range;' +
  'content-type;cookie;date;etag;expect;expires;from;host;if-match;if-modified-since;' +
  'if-none-match;if-range;if-unmodified-since;last-modified;link;location;max-forwards;' +
  'proxy-authenticate;proxy-authorization;range;referer;refresh;retry-after;server;set-cookie;' +
  'strict-transport-security;transfer-encoding;user-agent;vary;via;www-authenticate';

const entries = fields.split(';').map((field) => field.split('|'));

/** RFC 7541 appendix A, names by index; index 0 is no entry. */
export const staticNames: readonly string[] = ['', ...entries.map(([name]) => name as string)];

/** The values to these names; empty where an entry has none. */
export const staticValues: readonly string[] = ['', ...entries.map(([, value]) => value ?? '')];

/** Index of the last entry; the dynamic table follows. */
export const staticTableLength: number = entries.length;

/** First index of each name. */
export const staticNameIndexes: ReadonlyMap<string, number> = firstIndexes();

function firstIndexes(): Map<string, number> {
  const indexes = new Map<string, number>();
  for (let index = staticTableLength; index > 0; index--) {
    indexes.set(staticNames[index] as string, index);
  }
  return indexes;
}
