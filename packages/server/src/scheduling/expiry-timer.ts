import type { Clock, Timer } from '../core/clock.ts';

/** The longest timer that Node takes; one further off is set again then. */
const timerMsMax = 2_147_483_647;

/** Calls back when the next time-out of a queue is due, at most some milliseconds late, never early. */
export class ExpiryTimer {
  readonly #clock: Clock;
  readonly #callback: () => void;
  #atNs: number | null = null;
  #timer: Timer | null = null;

  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  /** Replaces the time that was set before; null is never. A later time leaves the timer as it is. */
  set(atNs: number | null): void {
    if (atNs !== null && this.#atNs !== null && this.#timer !== null && atNs >= this.#atNs) {
      // Most requests are gone long before their time: a timer for each would cost more than one
      // that goes off in vain now and then.
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.#atNs = atNs;
    if (atNs === null) return;
    const restMs = Math.ceil((atNs - this.#clock.nowNs()) / 1e6);
    this.#timer = this.#clock.setTimer(Math.min(timerMsMax, Math.max(0, restMs)), () => {
      this.#timer = null;
      this.#atNs = null;
      this.#callback();
    });
  }
}
