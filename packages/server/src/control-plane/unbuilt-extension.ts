import { TritonError } from '@nereid/protocol';

/** Of a request for a part of Triton that the server does not have yet: it says so. */
export function notSupportedYet(subject: string): TritonError {
  return new TritonError('UNSUPPORTED', `${subject} is not supported yet`);
}
