import { grpcStatusByCode, type TritonError } from '@nereid/protocol';
import type { Logger } from '../../core/logger.ts';
import { publicFailure } from '../../core/public-failure.ts';

/** What can end a call with a status. */
export interface Failing {
  fail(status: number, message: string): void;
}

/** Ends a call with what a client is told of a failure. */
export function failCall(call: Failing, failure: unknown, logger: Logger): void {
  const error: TritonError = publicFailure(failure, 'a gRPC call', logger);
  call.fail(grpcStatusByCode[error.code], error.message);
}
