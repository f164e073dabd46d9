/** How we answer otherwise than Node, on purpose. */
export interface Difference {
  readonly reason: string;
  readonly statuses: readonly number[];
  /** Requests that reach the handler. */
  readonly requestCount: number;
  readonly closed: boolean;
  /** Node 20 differs; Node 22.23 and 24.21 answer as we do. */
  readonly olderNodeOnly?: true;
}

/** Bytes for both servers. Each character is a byte. */
export interface ComparisonCase {
  readonly name: string;
  readonly send: string;
  readonly differs?: Difference;
}

// Why we differ.
const unknownMethod =
  'RFC 9110 section 9.1 has 501 for methods that nobody serves; Node answers 400, and drops CONNECT';
const unknownVersion = 'RFC 9110 section 15.6.6 has 505 for it; Node answers 400, or takes it';
const unknownCoding =
  'RFC 9112 section 6.1 has 501 for a coding that is not understood; Node answers 400, or hands on the undecoded bytes';
const noVersion = 'RFC 9112 section 3 requires a version; Node takes HTTP/0.9';
const oneBlank = 'RFC 9112 section 3 has single blanks';
const badTarget = 'RFC 9112 section 3.2: no form of target for this request';
const otherProtocol = 'this is an HTTP server';
const twoHosts = 'RFC 9112 section 3.2 demands 400; Node keeps the first';
const longTarget = 'RFC 9110 section 15.5.15 has 414 for it';
const manyFields = 'Node drops what is over its count in silence';
const hugeLength = 'a number, and beyond every limit';
const emptyCoding = 'an empty Transfer-Encoding hides one from lenient parsers';
const codingOfOld = 'RFC 9112 section 6.1: Transfer-Encoding in HTTP/1.0 is faulty framing';
const extensionsTogether = 'Node limits each extension, not their sum';
const unknownExpectation =
  'whether the body follows nobody knows, so the connection closes; Node goes on reading';
const chunkExtension = 'RFC 9112 section 7.1.1: an extension has a name, and a value behind its =';

const refused = (status: number, reason: string): Difference => ({
  reason,
  statuses: [status],
  requestCount: 0,
  closed: true,
});

const get = 'GET / HTTP/1.1\r\nHost: a\r\n';
const post = 'POST / HTTP/1.1\r\nHost: a\r\n';
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;
const many = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('');

const wellFormed: readonly ComparisonCase[] = [
  { name: 'GET', send: `${get}\r\n` },
  { name: 'GET with a query', send: 'GET /v2/models?a=1&b=%20 HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'DELETE', send: 'DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'HEAD', send: 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'OPTIONS *', send: 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'absolute target', send: 'GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'PURGE', send: 'PURGE / HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'M-SEARCH', send: 'M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'HTTP/1.0 without Host', send: 'GET / HTTP/1.0\r\n\r\n' },
  { name: 'HTTP/1.0 keep-alive', send: 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n' },
  { name: 'HTTP/1.0 with a body', send: 'POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc' },
  { name: 'Connection: close', send: `${get}Connection: close\r\n\r\n` },
  { name: 'Connection: CLOSE', send: `${get}Connection: CLOSE\r\n\r\n` },
  { name: 'Connection: x, close', send: `${get}Connection: x, close\r\n\r\n` },
  { name: 'Connection: keep-alive', send: `${get}Connection: keep-alive\r\n\r\n` },
  { name: 'two Connection headers', send: `${get}Connection: x\r\nConnection: close\r\n\r\n` },
  { name: 'body of known length', send: `${post}Content-Length: 5\r\n\r\nhello` },
  { name: 'length 0', send: `${post}Content-Length: 0\r\n\r\n` },
  { name: 'length with leading zeros', send: `${post}Content-Length: 0005\r\n\r\nhello` },
  {
    name: 'length with blanks around',
    send: `${post}Content-Length:  5 \t\r\n\r\nhello`,
    differs: {
      reason:
        'RFC 9110 section 5.5 drops blanks and tabs around a value; Node takes no tab behind a length',
      statuses: [200],
      requestCount: 1,
      closed: false,
      olderNodeOnly: true,
    },
  },
  { name: 'POST without a body', send: `${post}\r\n` },
  { name: 'GET with a body', send: `${get}Content-Length: 2\r\n\r\nhi` },
  { name: 'binary body', send: `${post}Content-Length: 4\r\n\r\n\x00\xff\r\n` },
  { name: 'chunks', send: `${chunked}5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n` },
  { name: 'no chunks', send: `${chunked}0\r\n\r\n` },
  { name: 'last chunk 000', send: `${chunked}000\r\n\r\n` },
  { name: 'upper-case chunk size', send: `${chunked}A\r\n0123456789\r\n0\r\n\r\n` },
  { name: 'lower-case chunk size', send: `${chunked}a\r\n0123456789\r\n0\r\n\r\n` },
  { name: 'chunk size with leading zeros', send: `${chunked}0005\r\nhello\r\n0\r\n\r\n` },
  {
    name: 'Transfer-Encoding: CHUNKED',
    send: `${post}Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n`,
  },
  { name: 'chunk extension', send: `${chunked}5;a=b\r\nhello\r\n0\r\n\r\n` },
  { name: 'chunk extension without value', send: `${chunked}5;a\r\nhello\r\n0\r\n\r\n` },
  { name: 'two chunk extensions', send: `${chunked}5;a=1;b=2\r\nhello\r\n0\r\n\r\n` },
  { name: 'quoted chunk extension', send: `${chunked}5;a="b c"\r\nhello\r\n0\r\n\r\n` },
  { name: 'quoted escape in a chunk extension', send: `${chunked}5;a="\\""\r\nhello\r\n0\r\n\r\n` },
  { name: 'trailers', send: `${chunked}1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n` },
  { name: 'trailer with blanks', send: `${chunked}0\r\nA: \t b \r\n\r\n` },
  { name: 'no blank after the colon', send: `${get}A:b\r\n\r\n` },
  { name: 'blanks around a value', send: `${get}A: \t b c \t\r\n\r\n` },
  { name: 'empty value', send: `${get}A:\r\nB: \r\n\r\n` },
  { name: 'Latin-1 value', send: `${get}A: caf\xe9 \x80\xff\r\n\r\n` },
  { name: 'tab in a value', send: `${get}A: b\tc\r\n\r\n` },
  { name: 'every token character in a name', send: `${get}!#$%&'*+-.^_\`|~09azAZ: x\r\n\r\n` },
  { name: '__proto__ and constructor', send: `${get}__proto__: x\r\nconstructor: y\r\n\r\n` },
  { name: 'the same header twice', send: `${get}A: 1\r\na: 2\r\nA: 3\r\n\r\n` },
  { name: 'name of one letter', send: `${get}x: y\r\n\r\n` },
  { name: 'Host with a port', send: 'GET / HTTP/1.1\r\nHost: a:80\r\n\r\n' },
  { name: 'empty Host', send: 'GET / HTTP/1.1\r\nHost:\r\n\r\n' },
  { name: 'hOsT', send: 'GET / HTTP/1.1\r\nhOsT: a\r\n\r\n' },
  { name: 'CR LF before the request', send: `\r\n\r\n${get}\r\n` },
  { name: 'two requests', send: `${get}\r\n${get}\r\n` },
  {
    name: 'three requests with bodies',
    send: many(3, (n) => `${post}Content-Length: 1\r\n\r\n${n}`),
  },
  { name: 'chunked, then another', send: `${chunked}1\r\nx\r\n0\r\n\r\n${get}\r\n` },
  { name: 'CR LF between requests', send: `${get}\r\n\r\n${get}\r\n` },
  {
    name: 'a request after Connection: close',
    send: `${get}Connection: close\r\n\r\n${get}\r\n`,
    differs: {
      reason: 'what follows the last request is not read; Node answers 400 before the handler does',
      statuses: [200],
      requestCount: 1,
      closed: true,
    },
  },
  {
    name: 'Expect: 100-continue with its body',
    send: `${post}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx`,
    differs: {
      reason: 'RFC 9110 section 10.1.1: no 100 once the body has begun',
      statuses: [200],
      requestCount: 1,
      closed: false,
    },
  },
  {
    name: 'Expect: 100-continue, body to come',
    send: `${post}Expect: 100-continue\r\nContent-Length: 1\r\n\r\n`,
  },
  {
    name: 'Expect: 100-Continue',
    send: `${post}Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n`,
  },
  {
    name: 'another expectation',
    send: `${post}Expect: tea\r\nContent-Length: 1\r\n\r\n`,
    differs: refused(417, unknownExpectation),
  },
  {
    name: 'Expect of HTTP/1.0',
    send: 'POST / HTTP/1.0\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx',
  },
  {
    name: 'Upgrade that nobody wants',
    send: `${get}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  },
  { name: '100 headers', send: `${get}${many(100, (n) => `h${n}: v\r\n`)}\r\n` },
  { name: 'target of 4000 bytes', send: `GET /${'a'.repeat(4000)} HTTP/1.1\r\nHost: a\r\n\r\n` },
  { name: 'value of 8000 bytes', send: `${get}A: ${'b'.repeat(8000)}\r\n\r\n` },
];

const incomplete: readonly ComparisonCase[] = [
  { name: 'nothing', send: '' },
  { name: 'half a method', send: 'PO' },
  { name: 'half a request line', send: 'GET / HT' },
  { name: 'half a header', send: `${get}A: b` },
  { name: 'header without its blank line', send: get },
  { name: 'half a body', send: `${post}Content-Length: 5\r\n\r\nhe` },
  { name: 'half a chunk', send: `${chunked}5\r\nhe` },
  { name: 'half a chunk size', send: `${chunked}5` },
  { name: 'chunks without the last', send: `${chunked}5\r\nhello\r\n` },
  { name: 'trailers without their end', send: `${chunked}0\r\nA: b\r\n` },
];

const malformed: readonly ComparisonCase[] = [
  { name: 'no target', send: 'GET HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'no version', send: 'GET /\r\nHost: a\r\n\r\n', differs: refused(400, noVersion) },
  { name: 'no version, HTTP/0.9', send: 'GET /\r\n\r\n', differs: refused(400, noVersion) },
  {
    name: 'two blanks before the target',
    send: 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n',
    differs: refused(400, oneBlank),
  },
  {
    name: 'two blanks before the version',
    send: 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n',
    differs: refused(400, oneBlank),
  },
  { name: 'blank behind the version', send: 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n' },
  { name: 'blank before the method', send: ' GET / HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'tab between method and target', send: 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n' },
  {
    name: 'lower-case method',
    send: 'get / HTTP/1.1\r\nHost: a\r\n\r\n',
    differs: refused(501, unknownMethod),
  },
  { name: 'method with a colon', send: 'G:T / HTTP/1.1\r\nHost: a\r\n\r\n' },
  {
    name: 'method of nobody',
    send: 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n',
    differs: refused(501, unknownMethod),
  },
  {
    name: 'method that starts like one',
    send: 'GETX / HTTP/1.1\r\nHost: a\r\n\r\n',
    differs: refused(501, unknownMethod),
  },
  { name: 'target without slash', send: 'GET v2 HTTP/1.1\r\nHost: a\r\n\r\n' },
  {
    name: 'target *, not for OPTIONS',
    send: 'GET * HTTP/1.1\r\nHost: a\r\n\r\n',
    differs: refused(400, badTarget),
  },
  { name: 'NUL in the target', send: 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'DEL in the target', send: 'GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'tab in the target', send: 'GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'form feed in the target', send: 'GET /a\fb HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'Latin-1 in the target', send: 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'quotes and braces in the target', send: 'GET /"<>\\^`{|} HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'fragment in the target', send: 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n' },
  {
    name: 'another scheme',
    send: 'GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n',
    differs: refused(400, badTarget),
  },
  {
    name: 'CONNECT',
    send: 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n',
    differs: refused(501, unknownMethod),
  },
  {
    name: 'HTTP/1.2',
    send: 'GET / HTTP/1.2\r\nHost: a\r\n\r\n',
    differs: refused(505, unknownVersion),
  },
  {
    name: 'HTTP/2.0',
    send: 'GET / HTTP/2.0\r\nHost: a\r\n\r\n',
    differs: refused(505, unknownVersion),
  },
  {
    name: 'HTTP/0.9',
    send: 'GET / HTTP/0.9\r\nHost: a\r\n\r\n',
    differs: refused(505, unknownVersion),
  },
  {
    name: 'HTTP/3.7',
    send: 'GET / HTTP/3.7\r\nHost: a\r\n\r\n',
    differs: refused(505, unknownVersion),
  },
  { name: 'HTTP/1.', send: 'GET / HTTP/1.\r\nHost: a\r\n\r\n' },
  { name: 'HTTP/1', send: 'GET / HTTP/1\r\nHost: a\r\n\r\n' },
  { name: 'HTTP/1.10', send: 'GET / HTTP/1.10\r\nHost: a\r\n\r\n' },
  { name: 'HTTP/11', send: 'GET / HTTP/11\r\nHost: a\r\n\r\n' },
  { name: 'http/1.1', send: 'GET / http/1.1\r\nHost: a\r\n\r\n' },
  { name: 'HTTPS/1.1', send: 'GET / HTTPS/1.1\r\nHost: a\r\n\r\n' },
  {
    name: 'RTSP/1.0',
    send: 'GET / RTSP/1.0\r\nHost: a\r\n\r\n',
    differs: refused(400, otherProtocol),
  },
  { name: 'HTTP 1.1', send: 'GET / HTTP 1.1\r\nHost: a\r\n\r\n' },
  { name: 'no Host', send: 'GET / HTTP/1.1\r\n\r\n' },
  { name: 'no Host, with a body', send: 'POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx' },
  { name: 'two Hosts', send: `${get}Host: b\r\n\r\n`, differs: refused(400, twoHosts) },
  { name: 'LF behind the request line', send: 'GET / HTTP/1.1\nHost: a\r\n\r\n' },
  { name: 'LF behind a header', send: 'GET / HTTP/1.1\r\nHost: a\n\r\n' },
  { name: 'LF for the blank line', send: 'GET / HTTP/1.1\r\nHost: a\r\n\n' },
  { name: 'only LFs', send: 'GET / HTTP/1.1\nHost: a\n\n' },
  { name: 'LFs before the request', send: `\n\n${get}\r\n` },
  { name: 'CR alone before the request', send: `\r${get}\r\n` },
  { name: 'CR alone behind the request line', send: 'GET / HTTP/1.1\rHost: a\r\n\r\n' },
  { name: 'CR alone in a value', send: `${get}A: b\rc\r\n\r\n` },
  { name: 'CR alone behind a value', send: `${get}A: b\r\r\n\r\n` },
  { name: 'CR alone before a name', send: `${get}\rA: b\r\n\r\n` },
  { name: 'CR for the blank line', send: `${get}\r\r` },
  { name: 'LF in a value', send: `${get}A: b\nC: d\r\n\r\n` },
  { name: 'folded header', send: `${get}A: b\r\n c\r\n\r\n` },
  { name: 'folded header, tab', send: `${get}A: b\r\n\tc\r\n\r\n` },
  { name: 'folded first header', send: 'GET / HTTP/1.1\r\n Host: a\r\n\r\n' },
  { name: 'blank before the colon', send: `${get}A : b\r\n\r\n` },
  { name: 'tab before the colon', send: `${get}A\t: b\r\n\r\n` },
  {
    name: 'Content-Length with a blank before the colon',
    send: `${post}Content-Length : 1\r\n\r\nx`,
  },
  { name: 'no colon', send: `${get}A b\r\n\r\n` },
  { name: 'name alone', send: `${get}A\r\n\r\n` },
  { name: 'empty name', send: `${get}: b\r\n\r\n` },
  { name: 'NUL in a name', send: `${get}A\0: b\r\n\r\n` },
  { name: 'Latin-1 in a name', send: `${get}\xe9: b\r\n\r\n` },
  { name: 'slash in a name', send: `${get}a/b: c\r\n\r\n` },
  { name: 'bracket in a name', send: `${get}a[b]: c\r\n\r\n` },
  { name: 'quote in a name', send: `${get}"a": c\r\n\r\n` },
  { name: 'at in a name', send: `${get}a@b: c\r\n\r\n` },
  { name: 'NUL in a value', send: `${get}A: b\0c\r\n\r\n` },
  { name: 'bell in a value', send: `${get}A: b\x07c\r\n\r\n` },
  { name: 'DEL in a value', send: `${get}A: b\x7fc\r\n\r\n` },
  { name: 'escape at the start of a value', send: `${get}A: \x1b[0m\r\n\r\n` },
  { name: 'header of 17 KiB', send: `${get}A: ${'b'.repeat(17 * 1024)}\r\n\r\n` },
  {
    name: 'header of 17 KiB in small fields',
    send: `${get}${many(100, (n) => `h${n}: ${'v'.repeat(170)}\r\n`)}\r\n`,
  },
  {
    name: 'target of 20 KiB',
    send: `GET /${'a'.repeat(20 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    differs: refused(414, longTarget),
  },
  { name: 'header that never ends', send: `${get}A: ${'b'.repeat(40 * 1024)}` },
  {
    name: '3000 headers',
    send: `${get}${many(3000, () => 'a:\r\n')}\r\n`,
    differs: { ...refused(431, manyFields), olderNodeOnly: true },
  },
  { name: 'bytes of TLS', send: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' },
  { name: 'garbage', send: '\x00\x01\x02\x03' },
  { name: 'a text', send: 'hello\r\n\r\n' },
  {
    name: 'a good request, then garbage',
    send: `${get}\r\n\x00\x01`,
    differs: {
      reason: 'the good request is answered first',
      statuses: [200, 400],
      requestCount: 1,
      closed: true,
    },
  },
];

const framing: readonly ComparisonCase[] = [
  {
    name: 'length, then chunked',
    send: `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
  {
    name: 'chunked, then length',
    send: `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  },
  {
    name: 'length 0 beside chunked',
    send: `${post}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
  { name: 'two lengths', send: `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello` },
  {
    name: 'the same length twice',
    send: `${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
  },
  { name: 'list of lengths', send: `${post}Content-Length: 5, 5\r\n\r\nhello` },
  { name: 'negative length', send: `${post}Content-Length: -5\r\n\r\nhello` },
  { name: 'length with plus', send: `${post}Content-Length: +5\r\n\r\nhello` },
  { name: 'hexadecimal length', send: `${post}Content-Length: 0x5\r\n\r\nhello` },
  { name: 'length 1e1', send: `${post}Content-Length: 1e1\r\n\r\nhello` },
  { name: 'length 5.0', send: `${post}Content-Length: 5.0\r\n\r\nhello` },
  { name: 'length with a blank inside', send: `${post}Content-Length: 1 2\r\n\r\nhello` },
  { name: 'empty length', send: `${post}Content-Length:\r\n\r\n` },
  { name: 'blank length', send: `${post}Content-Length:  \r\n\r\n` },
  { name: 'length in words', send: `${post}Content-Length: five\r\n\r\nhello` },
  {
    name: 'length 2^64',
    send: `${post}Content-Length: 18446744073709551616\r\n\r\nhello`,
    differs: refused(413, hugeLength),
  },
  {
    name: 'length of 40 digits',
    send: `${post}Content-Length: ${'9'.repeat(40)}\r\n\r\nhello`,
    differs: refused(413, hugeLength),
  },
  { name: 'length in Arabic digits', send: `${post}Content-Length: \xd9\xa5\r\n\r\nhello` },
  { name: 'length with vertical tab', send: `${post}Content-Length: \x0b5\r\n\r\nhello` },
  {
    name: 'Transfer-Encoding: identity',
    send: `${post}Transfer-Encoding: identity\r\n\r\n`,
    differs: refused(501, unknownCoding),
  },
  {
    name: 'Transfer-Encoding: gzip',
    send: `${post}Transfer-Encoding: gzip\r\n\r\n`,
    differs: refused(501, unknownCoding),
  },
  {
    name: 'Transfer-Encoding: gzip, chunked',
    send: `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    differs: refused(501, unknownCoding),
  },
  {
    name: 'Transfer-Encoding: chunked, gzip',
    send: `${post}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    differs: refused(501, unknownCoding),
  },
  {
    name: 'Transfer-Encoding: chunked, chunked',
    send: `${post}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
    differs: refused(501, unknownCoding),
  },
  {
    name: 'Transfer-Encoding: chunked twice',
    send: `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
  {
    name: 'Transfer-Encoding: gzip, then chunked in another',
    send: `${post}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    differs: refused(501, unknownCoding),
  },
  {
    name: 'Transfer-Encoding: xchunked',
    send: `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    differs: refused(501, unknownCoding),
  },
  {
    name: 'Transfer-Encoding: chunkedx',
    send: `${post}Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n`,
    differs: refused(501, unknownCoding),
  },
  {
    name: 'Transfer-Encoding: "chunked"',
    send: `${post}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`,
    differs: refused(501, unknownCoding),
  },
  {
    name: 'Transfer-Encoding with vertical tab',
    send: `${post}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
  },
  {
    name: 'Transfer-Encoding: chunked;q=1',
    send: `${post}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`,
    differs: refused(501, unknownCoding),
  },
  {
    name: 'empty Transfer-Encoding',
    send: `${post}Transfer-Encoding:\r\n\r\n`,
    differs: { ...refused(400, emptyCoding), olderNodeOnly: true },
  },
  {
    name: 'empty Transfer-Encoding beside a length',
    send: `${post}Transfer-Encoding:\r\nContent-Length: 1\r\n\r\nx`,
    differs: { ...refused(400, emptyCoding), olderNodeOnly: true },
  },
  {
    name: 'Transfer-Encoding, blank before the colon',
    send: `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  },
  {
    name: 'Transfer-Encoding of HTTP/1.0',
    send: 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    differs: refused(400, codingOfOld),
  },
  {
    name: 'Transfer-Encoding of HTTP/1.0, keep-alive',
    send: 'POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    differs: refused(400, codingOfOld),
  },
  { name: 'GET, chunked', send: `${get}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n` },
  { name: 'chunk size g', send: `${chunked}g\r\nhello\r\n0\r\n\r\n` },
  { name: 'chunk size 0x5', send: `${chunked}0x5\r\nhello\r\n0\r\n\r\n` },
  { name: 'chunk size -5', send: `${chunked}-5\r\nhello\r\n0\r\n\r\n` },
  { name: 'chunk size +5', send: `${chunked}+5\r\nhello\r\n0\r\n\r\n` },
  { name: 'no chunk size', send: `${chunked}\r\nhello\r\n0\r\n\r\n` },
  { name: 'no chunk size, an extension', send: `${chunked};a=b\r\nhello\r\n0\r\n\r\n` },
  { name: 'blank before the chunk size', send: `${chunked} 5\r\nhello\r\n0\r\n\r\n` },
  { name: 'blank behind the chunk size', send: `${chunked}5 \r\nhello\r\n0\r\n\r\n` },
  { name: 'tab behind the chunk size', send: `${chunked}5\t\r\nhello\r\n0\r\n\r\n` },
  { name: 'blank between size and extension', send: `${chunked}5 ;a\r\nhello\r\n0\r\n\r\n` },
  { name: 'chunk size with underscore', send: `${chunked}1_0\r\nhello\r\n0\r\n\r\n` },
  { name: 'chunk size 2^64', send: `${chunked}10000000000000000\r\nhello\r\n0\r\n\r\n` },
  { name: 'chunk size of 40 digits', send: `${chunked}${'f'.repeat(40)}\r\nhello\r\n0\r\n\r\n` },
  { name: 'chunk size with LF', send: `${chunked}5\nhello\r\n0\r\n\r\n` },
  { name: 'chunk size with CR alone', send: `${chunked}5\rhello\r\n0\r\n\r\n` },
  { name: 'chunk data with LF', send: `${chunked}5\r\nhello\n0\r\n\r\n` },
  { name: 'chunk data without end', send: `${chunked}5\r\nhello0\r\n\r\n` },
  { name: 'chunk longer than its size', send: `${chunked}4\r\nhello\r\n0\r\n\r\n` },
  { name: 'chunk shorter than its size', send: `${chunked}6\r\nhello\r\n0\r\n\r\n` },
  { name: 'last chunk with LF', send: `${chunked}0\n\r\n` },
  { name: 'LF for the end of the chunks', send: `${chunked}0\r\n\n` },
  { name: 'chunk extension with CR', send: `${chunked}5;a\rb\r\nhello\r\n0\r\n\r\n` },
  { name: 'chunk extension with LF', send: `${chunked}5;a\nhello\r\n0\r\n\r\n` },
  { name: 'chunk extension with NUL', send: `${chunked}5;a\0\r\nhello\r\n0\r\n\r\n` },
  { name: 'empty chunk extension', send: `${chunked}5;\r\nhello\r\n0\r\n\r\n` },
  {
    name: 'chunk extension without a name',
    send: `${chunked}5;=b\r\nhello\r\n0\r\n\r\n`,
    differs: refused(400, chunkExtension),
  },
  {
    name: 'chunk extension without its value',
    send: `${chunked}5;a=\r\nhello\r\n0\r\n\r\n`,
    differs: refused(400, chunkExtension),
  },
  { name: 'blank in a chunk extension', send: `${chunked}5;a b\r\nhello\r\n0\r\n\r\n` },
  { name: 'blank before a chunk extension', send: `${chunked}5; a=b\r\nhello\r\n0\r\n\r\n` },
  { name: 'unclosed quote in a chunk extension', send: `${chunked}5;a="b\r\nhello\r\n0\r\n\r\n` },
  { name: 'quoted CR LF in a chunk extension', send: `${chunked}5;a="\r\n"\r\nhello\r\n0\r\n\r\n` },
  {
    name: 'chunk extensions of 20 KiB',
    send: `${chunked}1;${'a'.repeat(20 * 1024)}\r\nx\r\n0\r\n\r\n`,
  },
  {
    name: 'chunk extensions of 20 KiB together',
    send: `${chunked}${many(20, () => `1;${'a'.repeat(1024)}\r\nx\r\n`)}0\r\n\r\n`,
    differs: refused(413, extensionsTogether),
  },
  { name: 'trailer without colon', send: `${chunked}0\r\nA\r\n\r\n` },
  { name: 'trailer with LF', send: `${chunked}0\r\nA: b\n\r\n` },
  { name: 'folded trailer', send: `${chunked}0\r\nA: b\r\n c\r\n\r\n` },
  { name: 'NUL in a trailer', send: `${chunked}0\r\nA: b\0\r\n\r\n` },
  { name: 'empty trailer name', send: `${chunked}0\r\n: b\r\n\r\n` },
  { name: 'Content-Length as trailer', send: `${chunked}0\r\nContent-Length: 5\r\n\r\n` },
  {
    name: 'Transfer-Encoding as trailer',
    send: `${chunked}0\r\nTransfer-Encoding: chunked\r\n\r\n`,
  },
  { name: 'Host as trailer', send: `${chunked}0\r\nHost: b\r\n\r\n` },
  { name: 'trailers of 20 KiB', send: `${chunked}0\r\nA: ${'b'.repeat(20 * 1024)}\r\n\r\n` },
  {
    name: 'smuggled request behind a length',
    send: `${post}Content-Length: 6\r\n\r\nabcdefGET /evil HTTP/1.1\r\nHost: a\r\n\r\n`,
  },
  {
    name: 'smuggled request in chunk data',
    send: `${chunked}29\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\nxxxxxxxxxxxx\r\n0\r\n\r\n`,
  },
];

/** Everything that is sent to both servers. */
export const comparisonCases: readonly ComparisonCase[] = [
  ...wellFormed,
  ...incomplete,
  ...malformed,
  ...framing,
];
