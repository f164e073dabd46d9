import { type EncodedField, encodeHeaderBlock } from '../hpack/hpack-encoder.ts';
import type { HeaderField } from '../http-handler.ts';
import { responseHead } from '../http1/response-head.ts';

const connectionFields = new Set(['keep-alive', 'proxy-connection', 'upgrade']);

/**
 * The header of a response; `contentLength` is left out where it is negative.
 *
 * @throws Error for what `responseHead` refuses too.
 */
export function responseBlock(
  status: number,
  headers: readonly HeaderField[],
  contentLength: number,
): Uint8Array {
  responseHead(status, headers);
  const fields: EncodedField[] = [[':status', String(status)]];
  for (const [name, value] of headers) {
    const lowerCaseName = name.toLowerCase();
    // They mean nothing here: RFC 9113 section 8.2.2.
    if (!connectionFields.has(lowerCaseName)) fields.push([lowerCaseName, value.trim()]);
  }
  if (contentLength >= 0) fields.push(['content-length', String(contentLength)]);
  return encodeHeaderBlock(fields);
}
