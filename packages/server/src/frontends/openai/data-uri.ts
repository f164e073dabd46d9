import { RequestError, unsupported } from './request-error.ts';

const base64Text = /^[A-Za-z0-9+/_-]*={0,2}$/u;

/**
 * The bytes of a `data:` URI in base64. Nothing is fetched from anywhere: an address of the client's would
 * be looked up from inside the server's network.
 * @throws RequestError
 */
export function decodeDataUri(uri: string, param: string): Uint8Array {
  if (!uri.startsWith('data:')) {
    throw unsupported(
      param,
      `Images come with the request, as 'data:image/png;base64,…': the server fetches no address.`,
    );
  }
  const comma = uri.indexOf(',');
  const text = uri.slice(comma + 1).trim();
  if (comma < 0 || !uri.slice(0, comma).endsWith(';base64') || !base64Text.test(text)) {
    throw new RequestError(`Invalid value for '${param}': no base64.`, param, 'invalid_base64');
  }
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length > 0) return bytes;
  throw new RequestError(`Invalid value for '${param}': an empty image.`, param, 'invalid_base64');
}
