import type { Clock, Timer } from '../../core/clock.ts';
import type { Turn } from '../turn.ts';

/** Timers of the event loop have no finer grain. */
const timerGrainNs = 1_000_000;
/** The longest timer that Node takes; an alarm further off is set again then. */
const timerMsMax = 2_147_483_647;

/**
 * Calls back once at a time that may be closer than the event loop's timers can tell: the last
 * millisecond is waited for by looking at the clock once a turn, which keeps the loop awake. Use it
 * only for what could run now.
 */
export class QueueAlarm {
  readonly #clock: Clock;
  readonly #turn: Turn;
  readonly #callback: () => void;
  #atNs: number | null = null;
  #timer: Timer | null = null;
  #looking = false;

  constructor(clock: Clock, turn: Turn, callback: () => void) {
    this.#clock = clock;
    this.#turn = turn;
    this.#callback = callback;
  }

  /** Replaces the time that was set before. */
  set(atNs: number): void {
    if (this.#atNs === atNs) return;
    this.cancel();
    this.#atNs = atNs;
    this.#wait();
  }

  cancel(): void {
    this.#atNs = null;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #wait(): void {
    if (this.#atNs === null) return;
    const restNs = this.#atNs - this.#clock.nowNs();
    if (restNs <= 0) {
      this.#atNs = null;
      this.#callback();
    } else if (restNs >= timerGrainNs) {
      const delayMs = Math.min(timerMsMax, Math.floor(restNs / timerGrainNs));
      this.#timer = this.#clock.setTimer(delayMs, () => {
        this.#timer = null;
        this.#wait();
      });
    } else if (!this.#looking) {
      this.#looking = true;
      this.#turn.atEnd(() => {
        this.#looking = false;
        // It may have been set anew, further off, in the meantime.
        if (this.#timer === null) this.#wait();
      });
    }
  }
}
