import { isUtf8 } from 'node:buffer';
import { parseJson, TritonError } from '@nereid/protocol';
import type { HttpCall } from '../http/http-route.ts';
import { decompressBody } from '../http/request-encoding.ts';
import { jsonSizeRefusal } from '../http/request-json.ts';
import { RequestError } from './request-error.ts';
import { objectOf, RequestFields } from './request-fields.ts';

/**
 * The JSON object of a request.
 * @throws RequestError for a body that is none, or too large.
 */
export async function readRequest({ request, context }: HttpCall): Promise<RequestFields> {
  const { maxInputBytes } = context.options;
  const encoding = request.header('content-encoding');
  const plain = encoding === null || encoding === 'identity';
  const body = plain ? request.body : await decompressBody(request.body, maxInputBytes);
  if (body.length > maxInputBytes) {
    const text = jsonSizeRefusal(body.length, maxInputBytes);
    throw new RequestError(text, null, 'request_too_large', 413);
  }
  if (!isUtf8(body)) throw new RequestError('The body is not valid UTF-8.', null, 'invalid_json');
  return new RequestFields(objectOf(parsed(body), 'body'));
}

function parsed(body: Uint8Array): unknown {
  try {
    return parseJson(body);
  } catch (failure) {
    if (!(failure instanceof TritonError)) throw failure;
    throw new RequestError(failure.message, null, 'invalid_json');
  }
}
