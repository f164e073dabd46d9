import type { StatusCode, TritonError } from '@nereid/protocol';
import { QueueFullError } from '../../core/queue-full-error.ts';
import type { ErrorReplies, ErrorReply, Refusal } from '../http/http-route.ts';
import { RequestError } from './request-error.ts';

/** OpenAI's error object. */
export interface OpenAiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

type Kind = readonly [status: number, type: string, code: string | null];

const invalid = 'invalid_request_error';

/**
 * Total: a ninth code does not compile. OpenAI's clients send a request again by themselves after 408,
 * 409, 429 and every 5xx; what cannot work is none of these.
 */
const kinds: Readonly<Record<StatusCode, Kind>> = {
  UNKNOWN: [400, invalid, null],
  INTERNAL: [500, 'server_error', null],
  NOT_FOUND: [404, invalid, 'model_not_found'],
  INVALID_ARG: [400, invalid, null],
  UNAVAILABLE: [503, 'service_unavailable', null],
  UNSUPPORTED: [400, invalid, 'unsupported'],
  ALREADY_EXISTS: [400, invalid, null],
  CANCELLED: [400, invalid, 'cancelled'],
};

const refusals: Readonly<Record<Refusal, Kind>> = {
  // Status, type and code of Triton's OpenAI frontend.
  restricted: [401, 'authentication_error', 'invalid_auth'],
  length: [413, invalid, 'request_too_large'],
};

/** Of a path as much as is told in an error. */
const pathCharsMax = 200;

/** Errors in OpenAI's form. */
export const openAiErrors: ErrorReplies = {
  refusal(refusal, text) {
    const [status, type, code] = refusals[refusal];
    // As Triton's OpenAI frontend has it.
    const message = refusal === 'restricted' ? `${text} with valid value` : text;
    return reply(status, { message, type, param: null, code });
  },
  wrongMethod(method, path, methods) {
    const message = `Not allowed to ${method} on ${shown(path)}: it takes ${methods.join(', ')}`;
    const error = { message, type: invalid, param: null, code: 'method_not_allowed' };
    const { headers, ...rest } = reply(405, error);
    return { ...rest, headers: [...headers, ['Allow', methods.join(', ')]] };
  },
  noEndpoint(method, path) {
    // The first half as OpenAI's own server says it.
    const message = `Invalid URL (${method} ${shown(path)}): this server has /v1/chat/completions, /v1/completions, /v1/embeddings and /v1/models`;
    return reply(404, { message, type: invalid, param: null, code: 'unknown_url' });
  },
  early(status, message) {
    const type = status < 500 ? invalid : status === 503 ? 'service_unavailable' : 'server_error';
    const code = status === 413 ? 'request_too_large' : null;
    return reply(status, { message, type, param: null, code });
  },
  failure(error) {
    return reply(statusOf(error), openAiErrorOf(error));
  },
};

function shown(path: string): string {
  return path.length > pathCharsMax ? `${path.slice(0, pathCharsMax)}…` : path;
}

/** What a client is told of a failure. */
export function openAiErrorOf(error: TritonError): OpenAiError {
  const { message } = error;
  if (error instanceof RequestError) {
    return { message, type: invalid, param: error.param, code: error.reason };
  }
  const [, type, code] = kindOf(error);
  return { message, type, param: code === 'model_not_found' ? 'model' : null, code };
}

function statusOf(error: TritonError): number {
  return error instanceof RequestError ? error.status : kindOf(error)[0];
}

function kindOf(error: TritonError): Kind {
  if (error instanceof QueueFullError) return [429, 'rate_limit_error', 'rate_limit_exceeded'];
  return kinds[error.code];
}

function reply(status: number, error: OpenAiError): ErrorReply {
  const headers = [['Content-Type', 'application/json']] as const;
  return { status, headers, body: JSON.stringify({ error }) };
}
