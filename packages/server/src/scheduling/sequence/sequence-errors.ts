import { TritonError } from '@nereid/protocol';
import type { CorrelationId } from './correlation-id.ts';

export function staticBatchError(modelName: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `inference request to model '${modelName}' must specify batch-size 1 due to requirements of sequence batcher`,
  );
}

export function missingCorrelationIdError(modelName: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `inference request to model '${modelName}' must specify a non-zero or non-empty correlation ID`,
  );
}

export function missingStartError(id: CorrelationId, modelName: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `inference request for sequence ${id} to model '${modelName}' must specify the START flag on the first request of the sequence`,
  );
}

/** What the requests of a sequence are told that has waited for a slot as long as one of them may. */
export function expiredSequenceError(): TritonError {
  return new TritonError('UNAVAILABLE', 'timeout of the corresponding sequence has been expired');
}
