import { TritonError } from '@nereid/protocol';
import type { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';

/** Requests that may wait for one model to be loaded; they hold their bodies meanwhile. */
export const loadWaitersMax = 4096;

/** How long a request waits for its model to be loaded. */
const loadWaitMsMax = 600_000;

/** A load under way, and those who wait for it. */
export class AwaitedLoad {
  readonly #name: string;
  readonly #clock: Clock;
  /** The model was loaded; it may have been unloaded since. */
  loaded = false;
  readonly #waiters = new Set<(error: TritonError | null) => void>();

  constructor(name: string, clock: Clock) {
    this.#name = name;
    this.#clock = clock;
  }

  /** Resolves or rejects when the load ends, rejects when that takes too long or nobody waits any more. */
  wait(cancellation: Cancellation): Promise<void> {
    const name = this.#name;
    if (this.#waiters.size >= loadWaitersMax) {
      const text = `${loadWaitersMax} requests wait for model '${name}' to be loaded already`;
      return Promise.reject(new TritonError('UNAVAILABLE', text));
    }
    return new Promise((resolve, reject) => {
      const end = (error: TritonError | null): void => {
        if (!this.#waiters.delete(end)) return;
        timer.cancel();
        cancellation.offCancel(onCancel);
        if (error === null) resolve();
        else reject(error);
      };
      const onCancel = (): void =>
        end(new TritonError('CANCELLED', `request to model '${name}' was cancelled`));
      const timer = this.#clock.setTimer(loadWaitMsMax, () => {
        const text = `model '${name}' is still being loaded after ${loadWaitMsMax / 1000} seconds`;
        end(new TritonError('UNAVAILABLE', text));
      });
      this.#waiters.add(end);
      cancellation.onCancel(onCancel);
    });
  }

  /** @param error null when the model can be looked up again. */
  end(error: TritonError | null): void {
    for (const waiter of [...this.#waiters]) waiter(error);
  }
}
