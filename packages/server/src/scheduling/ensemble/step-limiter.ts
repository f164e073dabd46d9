import type { Clock, Timer } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';

/** How long an execution of a step waits for others of the same step before it runs all the same. */
export const stepWaitMsMax = 300_000;

/** What may have to wait for a step. */
export interface LimitedStep {
  /** There is room, or there is no use in waiting any more. Called once. */
  admitted(): void;
}

export interface StepLimiterOptions {
  readonly ensembleName: string;
  /** Its place in the configuration, from 0. */
  readonly step: number;
  readonly inflightMax: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * `max_inflight_requests`: at most so many executions of one step at a time, over all requests of the
 * ensemble. The others wait their turn.
 */
export class StepLimiter {
  readonly #options: StepLimiterOptions;
  /** In the order in which they came. */
  readonly #waiting = new Map<LimitedStep, Timer>();
  #inflight = 0;
  #admitting = false;

  constructor(options: StepLimiterOptions) {
    this.#options = options;
  }

  /** @returns true when there is room; otherwise `admitted` is called later. Each start needs its `release`. */
  enter(step: LimitedStep): boolean {
    const { inflightMax, clock } = this.#options;
    if (this.#inflight < inflightMax) {
      this.#inflight++;
      return true;
    }
    this.#waiting.set(
      step,
      clock.setTimer(stepWaitMsMax, () => this.#giveUp(step)),
    );
    return false;
  }

  /** Starts who waits although there is no room: it is about to end, or has waited long enough. */
  admit(step: LimitedStep): void {
    if (!this.abandon(step)) return;
    this.#inflight++;
    step.admitted();
  }

  /** @returns false when it does not wait (any more): it was started. */
  abandon(step: LimitedStep): boolean {
    const timer = this.#waiting.get(step);
    if (timer === undefined) return false;
    this.#waiting.delete(step);
    timer.cancel();
    return true;
  }

  /** A step that starts may end at once and come here again: that one is left to this loop. */
  release(): void {
    this.#inflight--;
    if (this.#admitting) return;
    this.#admitting = true;
    try {
      while (this.#inflight < this.#options.inflightMax) {
        const next = this.#waiting.keys().next();
        if (next.done === true) return;
        this.admit(next.value);
      }
    } finally {
      this.#admitting = false;
    }
  }

  #giveUp(step: LimitedStep): void {
    const { ensembleName, step: index, inflightMax, logger } = this.#options;
    logger.error(
      `ensemble '${ensembleName}': a request waited ${stepWaitMsMax / 1000} seconds for step ${index}, of which ${this.#inflight} are in flight (limit ${inflightMax}); it goes on to avoid a deadlock`,
    );
    this.admit(step);
  }
}
