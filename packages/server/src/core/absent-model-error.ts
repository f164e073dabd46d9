import { TritonError } from '@nereid/protocol';
import type { Cancellation } from './cancellation.ts';

/**
 * A model does not serve, but may once it is loaded: where models are loaded on demand. Who catches it
 * either tells the client, as of any other error, or calls `load` and looks the model up anew, once.
 */
export class AbsentModelError extends TritonError {
  /**
   * Resolves when it is worth to look again. Rejects with a TritonError that says why the model was
   * not loaded, or CANCELLED.
   */
  readonly load: (cancellation: Cancellation) => Promise<void>;

  constructor(lookUpError: TritonError, load: (cancellation: Cancellation) => Promise<void>) {
    super(lookUpError.code, lookUpError.message);
    this.load = load;
  }
}
