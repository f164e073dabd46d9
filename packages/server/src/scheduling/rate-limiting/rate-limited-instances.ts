import { TritonError } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Execution } from '../../core/execution.ts';
import type { InstanceUser } from '../idle-instances.ts';
import type { LimitedInstance, RateLimiter } from './rate-limiter.ts';

/**
 * The instances of one model under a rate limiter. To its scheduler they look like as many instances as
 * there are; which of those that are free really runs is decided by where they stand with the limiter.
 */
export class RateLimitedInstances {
  readonly #limiter: RateLimiter;
  readonly #modelName: string;
  readonly #bound: boolean;
  /** Each with what the scheduler takes for an instance. */
  readonly #slots = new Map<LimitedInstance, BackendInstance>();
  readonly #free = new Set<LimitedInstance>();
  /** Those that run although the model has them no more, and what to call when they have ended. */
  readonly #leaving = new Map<LimitedInstance, () => void>();
  /** Batches for which no instance is free, while instances leave. */
  readonly #starving: (() => void)[] = [];

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
    this.#modelName = modelName;
    this.#limiter = limiter;
    this.#bound = bound;
    this.add(limited);
  }

  /** What the scheduler works with. */
  get instances(): readonly BackendInstance[] {
    return [...this.#slots.values()];
  }

  /** @throws TritonError INVALID_ARG when one of them could never run; none is added then. */
  add(limited: readonly LimitedInstance[]): void {
    this.#limiter.register(limited);
    for (const own of limited) {
      this.#free.add(own);
      this.#slots.set(own, {
        name: own.instance.name,
        execute: (batch) => this.#execute(this.#bound ? own : null, batch),
      });
    }
  }

  /**
   * Takes instances away from their user, which gets those that it has now. Resolves when none of them
   * runs any more.
   */
  async remove(limited: readonly LimitedInstance[], user: InstanceUser): Promise<void> {
    for (const own of limited) this.#slots.delete(own);
    // What was begun on a bound one goes on there. Of others the user does not know which one runs.
    if (this.#bound) await user.replaceInstances(this.instances);
    const ended = limited.map((own) => {
      if (this.#free.delete(own)) return Promise.resolve();
      return new Promise<void>((resolve) => this.#leaving.set(own, resolve));
    });
    if (!this.#bound) await user.replaceInstances(this.instances);
    await Promise.all(ended);
    this.#limiter.unregister(limited);
  }

  /** Called when nothing runs any more. */
  close(): void {
    this.#limiter.unregister([...this.#slots.keys()]);
  }

  /** The free one that stands first; null while those that leave have not ended. */
  #first(): LimitedInstance | null {
    let first: LimitedInstance | null = null;
    for (const limited of this.#free) {
      if (first === null || this.#limiter.position(limited) < this.#limiter.position(first)) {
        first = limited;
      }
    }
    return first;
  }

  #execute(own: LimitedInstance | null, batch: readonly Execution[]): Promise<void> | null {
    const limited = own ?? this.#first();
    if (limited === null) {
      return new Promise<void>((resolve) => {
        this.#starving.push(() => {
          const work = this.#execute(null, batch);
          if (work === null) resolve();
          else void work.then(resolve);
        });
      });
    }
    this.#free.delete(limited);
    if (this.#limiter.startNow(limited)) return this.#run(limited, batch);
    return new Promise((resolve) => {
      const stopWatching = this.#whenAllCancelled(batch, () => {
        this.#limiter.giveUp(waiting);
        this.#giveBack(limited);
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
    this.#limiter.release(limited);
    this.#giveBack(limited);
  }

  #giveBack(limited: LimitedInstance): void {
    const gone = this.#leaving.get(limited);
    if (gone === undefined) {
      this.#free.add(limited);
      this.#starving.shift()?.();
    } else {
      this.#leaving.delete(limited);
      gone();
    }
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
