import type { BackendInstance } from '../core/backend.ts';

/**
 * Executions that a model's only instance was handed while it ran another, so that it begins the next one
 * without a word of this process in between. A model with several instances hands nothing early: a request
 * could wait behind a long run then while another instance is free.
 */
export class ExecutionsAhead {
  /** How many an instance has beside one; without those that have none. */
  readonly #counts = new Map<BackendInstance, number>();
  #total = 0;

  /** Those of all instances. */
  get total(): number {
    return this.#total;
  }

  /** @param only the one instance of the model, which runs; undefined where it has several. */
  take(only: BackendInstance | undefined): BackendInstance | undefined {
    if (only?.executionsAhead === undefined) return undefined;
    const count = this.#counts.get(only) ?? 0;
    if (count >= only.executionsAhead) return undefined;
    this.#counts.set(only, count + 1);
    this.#total++;
    return only;
  }

  /** An execution has ended. @returns whether the instance has others still. */
  giveBack(instance: BackendInstance): boolean {
    if (this.#total === 0) return false;
    const count = this.#counts.get(instance);
    if (count === undefined) return false;
    if (count === 1) this.#counts.delete(instance);
    else this.#counts.set(instance, count - 1);
    this.#total--;
    return true;
  }

  /** False for an instance that has others still and is no longer the only one. */
  allowsNext(instance: BackendInstance, only: BackendInstance | undefined): boolean {
    return this.#total === 0 || instance === only || !this.#counts.has(instance);
  }
}
