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
  method: [405, invalid, 'method_not_allowed'],
  length: [413, invalid, 'request_too_large'],
};

/** Errors in OpenAI's form. */
export const openAiErrors: ErrorReplies = {
  refusal(refusal, text) {
    const [status, type, code] = refusals[refusal];
    // As Triton's OpenAI frontend has it.
    const message = refusal === 'restricted' ? `${text} with valid value` : text;
    return reply(status, { message, type, param: null, code });
  },
  failure(error) {
    return reply(statusOf(error), openAiErrorOf(error));
  },
};

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
