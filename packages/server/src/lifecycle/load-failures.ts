import { TritonError } from '@nereid/protocol';
import type { Clock } from '../core/clock.ts';

/** Time until a failed load is tried again: at first, and at most. Doubles with each failure. */
const retryMsMin = 1000;
const retryMsMax = 60_000;

interface Failure {
  readonly error: TritonError;
  readonly retryMs: number;
  readonly retryAtNs: number;
}

/** Loads on demand that failed, so that not every request tries again. Holds models of the repositories only. */
export class LoadFailures {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failure>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why the model cannot be had for now; null when it may be tried. */
  current(name: string): TritonError | null {
    const failure = this.#failures.get(name);
    return failure === undefined || failure.retryAtNs <= this.#clock.nowNs() ? null : failure.error;
  }

  /** @returns What to tell those who waited for it. */
  record(name: string, reason: string): TritonError {
    const before = this.#failures.get(name)?.retryMs;
    const retryMs = before === undefined ? retryMsMin : Math.min(retryMsMax, 2 * before);
    const error = new TritonError('UNAVAILABLE', `failed to load model '${name}': ${reason}`);
    this.#failures.set(name, { error, retryMs, retryAtNs: this.#clock.nowNs() + retryMs * 1e6 });
    return error;
  }

  forget(name: string): void {
    this.#failures.delete(name);
  }
}
