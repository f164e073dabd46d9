import { TritonError } from '@nereid/protocol';

/** A request that OpenAI's endpoints do not take, with what clients are told beside the text. */
export class RequestError extends TritonError {
  /** The member of the request that is at fault; null for none in particular. */
  readonly param: string | null;
  /** A word for programs; null for none. */
  readonly reason: string | null;
  readonly status: number;

  constructor(message: string, param: string | null, reason: string | null = null, status = 400) {
    super('INVALID_ARG', message);
    this.param = param;
    this.reason = reason;
    this.status = status;
  }
}

/** For a member whose value, or whose presence, asks for what a model or this server cannot do. */
export function unsupported(param: string, message: string): RequestError {
  return new RequestError(message, param, 'unsupported_value');
}
