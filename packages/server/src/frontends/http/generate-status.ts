import type { TritonError } from '@nereid/protocol';
import type { ErrorAnswer } from '../../core/infer-response.ts';

/** Triton gives every error that comes as an answer of the model this status, whatever its code. */
export const answeredErrorStatus = 400;

/** True for a request that was not executed for want of room: it can be sent again. */
export function isRefusal(error: TritonError, answer: ErrorAnswer | undefined): boolean {
  return answer === undefined && error.code === 'UNAVAILABLE';
}
