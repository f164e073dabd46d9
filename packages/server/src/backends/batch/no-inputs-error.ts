import { requestIdPrefix, TritonError } from '@nereid/protocol';
import type { InferRequest } from '../../core/infer-request.ts';

/** A batch is counted by its inputs: what a request is told that leaves out all, where all are optional. */
export function noInputsError({ id }: InferRequest): TritonError {
  const text = `${requestIdPrefix(id)}out of bounds index 0: request has 0 inputs`;
  return new TritonError('INVALID_ARG', text);
}
