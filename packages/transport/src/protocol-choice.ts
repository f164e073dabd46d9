/** What a client sends first when it speaks HTTP/2 without asking: RFC 9113 section 3.4. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** @returns Who speaks like that, or null while the bytes fit both. */
export function chooseProtocol(firstBytes: Buffer): 'http1' | 'http2' | null {
  const length = Math.min(firstBytes.length, preface.length);
  for (let at = 0; at < length; at++) if (firstBytes[at] !== preface[at]) return 'http1';
  return length === preface.length ? 'http2' : null;
}
