import type { BackendInstance } from '../../core/backend.ts';
import { systemTurn, type Turn } from '../turn.ts';
import { type ResourceLimit, type ResourceNeed, ResourcePool } from './resource-pool.ts';

export interface RateLimiterOptions {
  /** Empty: there is as much of each resource as one execution needs at most. */
  readonly limits: readonly ResourceLimit[];
  readonly turn?: Turn;
}

/** One instance as the limiter sees it. The model that registered it owns it. */
export interface LimitedInstance {
  readonly instance: BackendInstance;
  readonly needs: readonly ResourceNeed[];
  /** 1 and up: an instance of 2 runs half as often as one of 1 when both have work. */
  readonly priority: number;
}

/** What waits for its resources, or has them. */
export class Execution {
  readonly limited: LimitedInstance;
  /** Executions start in the order of this: a clock that each instance's runs move on by its priority. */
  readonly startsAt: number;
  readonly start: () => void;

  constructor(limited: LimitedInstance, startsAt: number, start: () => void) {
    this.limited = limited;
    this.startsAt = startsAt;
    this.start = start;
  }
}

/**
 * Decides which instances of all models run, by their resources and priorities:
 * `--rate-limit=execution_count`. Executions start in the order of their instance's executions times its
 * priority, as in Triton. One that lacks resources holds up those behind it, so that a large one gets its
 * turn; an instance that was idle, or is new, does not make up for it at the cost of the others.
 */
export class RateLimiter {
  readonly #pool: ResourcePool;
  readonly #turn: Turn;
  /** Where each registered instance stands: when its next execution would start. */
  readonly #positions = new Map<LimitedInstance, number>();
  readonly #waiting: Execution[] = [];
  /** The latest start. */
  #now = 0;
  #lookIsDue = false;

  constructor(options: RateLimiterOptions) {
    this.#pool = new ResourcePool(options.limits);
    this.#turn = options.turn ?? systemTurn;
  }

  /** @throws TritonError INVALID_ARG when one of the instances could never run; none is registered then. */
  register(instances: readonly LimitedInstance[]): void {
    this.#pool.register(instances.map(({ needs }) => needs));
    for (const instance of instances) this.#positions.set(instance, 0);
  }

  /** For instances that neither wait nor run. */
  unregister(instances: readonly LimitedInstance[]): void {
    for (const instance of instances) this.#positions.delete(instance);
    this.#pool.unregister(instances.map(({ needs }) => needs));
    this.#look();
  }

  /** Where an instance stands: of several that are free, the one that stands first should run. */
  position(instance: LimitedInstance): number {
    return this.#positions.get(instance) ?? 0;
  }

  /** Takes the resources for an execution now; false when it must wait. */
  startNow(instance: LimitedInstance): boolean {
    if (this.#waiting.length > 0 || !this.#pool.allocate(instance.needs)) return false;
    this.#moveOn(instance, Math.max(this.#now, this.position(instance)));
    return true;
  }

  /** Calls `start` when the execution has its resources. */
  wait(instance: LimitedInstance, start: () => void): Execution {
    const execution = new Execution(instance, Math.max(this.#now, this.position(instance)), start);
    const behind = this.#waiting.findIndex(({ startsAt }) => startsAt > execution.startsAt);
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, execution);
    this.#look();
    return execution;
  }

  /** Takes back an execution that waits. */
  giveUp(execution: Execution): void {
    const at = this.#waiting.indexOf(execution);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#look();
  }

  /** An execution has ended. */
  release(instance: LimitedInstance): void {
    this.#pool.free(instance.needs);
    this.#look();
  }

  #moveOn(instance: LimitedInstance, startsAt: number): void {
    this.#now = Math.max(this.#now, startsAt);
    this.#positions.set(instance, startsAt + instance.priority);
  }

  /**
   * Whose execution has just ended may have its next request ready, and is to be compared with those who
   * wait: schedulers see to that until the turn ends.
   */
  #look(): void {
    if (this.#lookIsDue || this.#waiting.length === 0) return;
    this.#lookIsDue = true;
    this.#turn.atEnd(() => {
      this.#turn.atEnd(() => {
        this.#lookIsDue = false;
        this.#startWaiting();
      });
    });
  }

  #startWaiting(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (!this.#pool.allocate(first.limited.needs)) return;
      this.#waiting.shift();
      this.#moveOn(first.limited, first.startsAt);
      first.start();
    }
  }
}
