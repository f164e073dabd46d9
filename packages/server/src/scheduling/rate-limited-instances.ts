import { TritonError } from '@nereid/protocol';
import type { BackendInstance } from '../core/backend.ts';
import type { Execution } from '../core/execution.ts';
import type { LimitedInstance, RateLimiter } from './rate-limiter.ts';

/**
 * The instances of one model under a rate limiter. To its scheduler they look like as many instances as
 * there are; which of those that are free really runs is decided by where they stand with the limiter.
 */
export class RateLimitedInstances {
  readonly instances: readonly BackendInstance[];
  readonly #limiter: RateLimiter;
  readonly #limited: readonly LimitedInstance[];
  readonly #free: Set<LimitedInstance>;
  readonly #modelName: string;

  /**
   * @param bound each instance is itself to the scheduler: for models that keep something between requests.
   * @throws TritonError INVALID_ARG when one of the instances could never run.
   */
  constructor(
    modelName: string,
    limited: readonly LimitedInstance[],
    limiter: RateLimiter,
    bound: boolean,
  ) {
    limiter.register(limited);
    this.#modelName = modelName;
    this.#limiter = limiter;
    this.#limited = limited;
    this.#free = new Set(limited);
    this.instances = limited.map((own) => ({
      name: own.instance.name,
      execute: (batch) => this.#execute(bound ? own : this.#first(), batch),
    }));
  }

  /** Called when nothing runs any more. */
  close(): void {
    this.#limiter.unregister(this.#limited);
  }

  /** There is one free for each that the scheduler calls. */
  #first(): LimitedInstance {
    let first: LimitedInstance | null = null;
    for (const limited of this.#free) {
      if (first === null || this.#limiter.position(limited) < this.#limiter.position(first)) {
        first = limited;
      }
    }
    if (first === null) throw new Error(`model '${this.#modelName}' has no free instance`);
    return first;
  }

  #execute(limited: LimitedInstance, batch: readonly Execution[]): Promise<void> | null {
    this.#free.delete(limited);
    if (this.#limiter.startNow(limited)) return this.#run(limited, batch);
    return new Promise((resolve) => {
      const stopWatching = this.#whenAllCancelled(batch, () => {
        this.#limiter.giveUp(waiting);
        this.#free.add(limited);
        for (const { sink } of batch) sink.fail(this.#cancelledError());
        resolve();
      });
      const waiting = this.#limiter.wait(limited, () => {
        stopWatching();
        const work = this.#run(limited, batch);
        if (work === null) resolve();
        else void work.then(resolve);
      });
    });
  }

  #run(limited: LimitedInstance, batch: readonly Execution[]): Promise<void> | null {
    const work = limited.instance.execute(batch);
    if (work === null) {
      this.#ended(limited);
      return null;
    }
    return work.then(() => this.#ended(limited));
  }

  #ended(limited: LimitedInstance): void {
    this.#free.add(limited);
    this.#limiter.release(limited);
  }

  /** Nobody waits for the batch any more. @returns what takes the watch back. */
  #whenAllCancelled(batch: readonly Execution[], callback: () => void): () => void {
    let waiting = batch.length;
    let watching = true;
    const listener = (): void => {
      if (--waiting === 0 && watching) queueMicrotask(() => watching && callback());
    };
    for (const { request } of batch) request.cancellation.onCancel(listener);
    return () => {
      watching = false;
      for (const { request } of batch) request.cancellation.offCancel(listener);
    };
  }

  #cancelledError(): TritonError {
    const text = `request to model '${this.#modelName}' was cancelled`;
    return new TritonError('CANCELLED', text);
  }
}
