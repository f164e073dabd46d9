/** A timer that a test can watch. */
interface ManualTimer {
  readonly dueNs: number;
  readonly callback: () => void;
}

/**
 * Time that stands still until a test moves it. Has the shape of the server's Clock. Starts at
 * 2026-01-02T15:04:05.123Z.
 */
export class ManualClock {
  #nowNs = 0;
  #wallMs: number = Date.UTC(2026, 0, 2, 15, 4, 5, 123);
  readonly #timers = new Set<ManualTimer>();

  nowNs(): number {
    return this.#nowNs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  setTimer(delayMs: number, callback: () => void): { cancel(): void } {
    const timer: ManualTimer = { dueNs: this.#nowNs + Math.max(0, delayMs) * 1e6, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Timers that are set and have not gone off. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /**
   * Moves both times on and calls every timer that becomes due, in order of their times and at
   * their times, those that they set included.
   */
  advanceMs(durationMs: number): void {
    const endNs = this.#nowNs + durationMs * 1e6;
    for (;;) {
      const next = this.#nextDue(endNs);
      if (next === null) break;
      this.#timers.delete(next);
      this.#moveTo(next.dueNs);
      next.callback();
    }
    this.#moveTo(endNs);
  }

  /** Makes the date jump without time passing, as an administrator or NTP may. */
  setWallMs(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  #nextDue(endNs: number): ManualTimer | null {
    let next: ManualTimer | null = null;
    for (const timer of this.#timers) {
      if (timer.dueNs <= endNs && (next === null || timer.dueNs < next.dueNs)) next = timer;
    }
    return next;
  }

  #moveTo(ns: number): void {
    this.#wallMs += (ns - this.#nowNs) / 1e6;
    this.#nowNs = ns;
  }
}
