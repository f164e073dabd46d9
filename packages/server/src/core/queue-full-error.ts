import { TritonError } from '@nereid/protocol';

/** There is no room for a request in its model's queue: it may be sent again later. */
export class QueueFullError extends TritonError {
  constructor() {
    super('UNAVAILABLE', 'Exceeds maximum queue size');
  }
}
