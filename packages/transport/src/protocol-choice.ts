/** What a client sends first when it speaks HTTP/2 without asking: RFC 9113 section 3.4. */
export const http2Preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** @returns Who speaks like that, or null while the bytes fit both. */
export function chooseProtocol(firstBytes: Buffer): 'http1' | 'http2' | null {
  const length = Math.min(firstBytes.length, http2Preface.length);
  for (let at = 0; at < length; at++) if (firstBytes[at] !== http2Preface[at]) return 'http1';
  return length === http2Preface.length ? 'http2' : null;
}
