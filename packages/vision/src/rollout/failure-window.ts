import type { Clock } from '../clock.ts';

const slots = 10;

interface Slot {
  /** Which stretch of time it counts. */
  number: number;
  requests: number;
  failures: number;
}

/** Counts requests and failures of the last while, to a tenth of it. */
export class FailureWindow {
  readonly #clock: Clock;
  readonly #slotNs: number;
  #slots: Slot[] = [];

  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock;
    this.#slotNs = (windowMs * 1e6) / slots;
  }

  add(failed: boolean): void {
    const number = this.#now();
    let slot = this.#slots.at(-1);
    if (slot === undefined || slot.number !== number) {
      slot = { number, requests: 0, failures: 0 };
      this.#slots.push(slot);
      this.#forget(number);
    }
    slot.requests++;
    if (failed) slot.failures++;
  }

  /** What was counted within the window. */
  counts(): { requests: number; failures: number } {
    this.#forget(this.#now());
    let requests = 0;
    let failures = 0;
    for (const slot of this.#slots) {
      requests += slot.requests;
      failures += slot.failures;
    }
    return { requests, failures };
  }

  clear(): void {
    this.#slots = [];
  }

  #now(): number {
    return Math.floor(this.#clock.nowNs() / this.#slotNs);
  }

  #forget(now: number): void {
    while (this.#slots[0] !== undefined && this.#slots[0].number <= now - slots) {
      this.#slots.shift();
    }
  }
}
