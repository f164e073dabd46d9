import type { Clock, Timer } from '../../core/clock.ts';

interface SimulatedTimer {
  readonly dueNs: number;
  readonly callback: () => void;
}

/**
 * Time of a simulation. Unlike the manual clock of tests it may be moved by what runs in it, as a processor that is
 * busy does: timers go off when the simulation looks at them.
 */
export class SimulatedClock implements Clock {
  #nowNs = 0;
  readonly #timers = new Set<SimulatedTimer>();

  nowNs(): number {
    return this.#nowNs;
  }

  wallMs(): number {
    return this.#nowNs / 1e6;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueNs: this.#nowNs + delayMs * 1e6, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  pass(durationNs: number): void {
    this.#nowNs += durationNs;
  }

  /** When the next timer goes off; infinite for none. */
  get nextTimerNs(): number {
    let nextNs = Number.POSITIVE_INFINITY;
    for (const { dueNs } of this.#timers) nextNs = Math.min(nextNs, dueNs);
    return nextNs;
  }

  /** Calls the timers whose time has come. */
  ring(): void {
    for (const timer of this.#timers) {
      if (timer.dueNs > this.#nowNs) continue;
      this.#timers.delete(timer);
      timer.callback();
    }
  }
}
