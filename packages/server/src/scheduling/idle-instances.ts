import type { BackendInstance } from '../core/backend.ts';

/** A scheduler whose instances may change while it has requests. */
export interface InstanceUser {
  /** True where what an instance has begun may go on for any time: nobody waits for its end then. Missing is false. */
  readonly keepsInstancesLong?: boolean;
  /**
   * Works with these from now on. What runs goes on undisturbed; resolves when nothing runs any more on
   * those that it had and has no longer.
   */
  replaceInstances(instances: readonly BackendInstance[]): Promise<void>;
}

/**
 * The instances of a model that have nothing to do. A stack, so that a lone client keeps to one instance
 * whose memory is warm.
 */
export class IdleInstances {
  #all: readonly BackendInstance[];
  #idle: BackendInstance[];
  /** Those that run although the model has them no more, and what to call when they are back. */
  readonly #leaving = new Map<BackendInstance, () => void>();

  constructor(instances: readonly BackendInstance[]) {
    this.#all = instances;
    this.#idle = [...instances].reverse();
  }

  get length(): number {
    return this.#idle.length;
  }

  /** The model's instance, where it has just one. */
  get only(): BackendInstance | undefined {
    return this.#all.length === 1 ? this.#all[0] : undefined;
  }

  pop(): BackendInstance | undefined {
    return this.#idle.pop();
  }

  /** Takes back an instance that has ended, for good if the model has it no more. */
  push(instance: BackendInstance): void {
    const gone = this.#leaving.get(instance);
    if (gone === undefined) {
      this.#idle.push(instance);
    } else {
      this.#leaving.delete(instance);
      gone();
    }
  }

  /** False for an instance that is to take nothing new. */
  keeps(instance: BackendInstance): boolean {
    return this.#leaving.size === 0 || !this.#leaving.has(instance);
  }

  /** Resolves when those that are not among `instances` have been given back. */
  async replace(instances: readonly BackendInstance[]): Promise<void> {
    const kept = new Set(instances);
    const known = new Set(this.#all);
    const idle = new Set(this.#idle);
    const gone = this.#all.filter((instance) => !kept.has(instance) && !idle.has(instance));
    const back = gone.map(
      (instance) => new Promise<void>((resolve) => this.#leaving.set(instance, resolve)),
    );
    const added = instances.filter((instance) => !known.has(instance));
    this.#idle = [...added, ...this.#idle.filter((instance) => kept.has(instance))];
    this.#all = instances;
    await Promise.all(back);
  }
}
