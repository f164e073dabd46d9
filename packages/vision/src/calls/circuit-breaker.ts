import { InferenceError } from '@nereid/client';
import type { Clock } from '../clock.ts';

export type CircuitState = 'closed' | 'open' | 'half-open';

export interface CircuitOptions {
  /** So many requests that fail one after the other open the circuit. Default 5. */
  readonly failuresMax?: number;
  /** How long an open circuit lets nothing through. Default 10 s. */
  readonly openMs?: number;
}

/** What became of a request: `neutral` tells nothing of the server. */
export type RequestOutcome = 'success' | 'failure' | 'neutral';

const failuresMaxDefault = 5;
const openMsDefault = 10_000;

/** The circuit is open: the request was not sent. */
export class CircuitOpenError extends InferenceError {
  constructor(failures: number, waitMs: number) {
    const seconds = (waitMs / 1000).toFixed(1);
    super(
      'UNAVAILABLE',
      `not sent: the last ${failures} requests failed, the next is tried in ${seconds} s`,
      null,
    );
    this.name = 'CircuitOpenError';
  }
}

/**
 * Keeps requests from a server that does not answer. Closed it lets all through; open, none; after a while one goes first,
 * and decides whether the others may follow.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #failuresMax: number;
  readonly #openNs: number;
  #failures = 0;
  #openedNs: number | null = null;
  #trying = false;

  constructor(clock: Clock, options: CircuitOptions = {}) {
    this.#clock = clock;
    this.#failuresMax = options.failuresMax ?? failuresMaxDefault;
    this.#openNs = (options.openMs ?? openMsDefault) * 1e6;
  }

  get state(): CircuitState {
    if (this.#openedNs === null) return 'closed';
    return this.#leftNs(this.#openedNs) > 0 ? 'open' : 'half-open';
  }

  /**
   * Asks to send one request. Each that may be sent is answered with `finish`.
   * @throws CircuitOpenError
   */
  start(): void {
    if (this.#openedNs === null) return;
    const leftNs = this.#leftNs(this.#openedNs);
    if (leftNs > 0 || this.#trying) throw new CircuitOpenError(this.#failures, leftNs / 1e6);
    this.#trying = true;
  }

  /** Tells what became of a request that `start` let through. */
  finish(outcome: RequestOutcome): void {
    this.#trying = false;
    if (outcome === 'success') {
      this.#failures = 0;
      this.#openedNs = null;
    } else if (outcome === 'failure') {
      this.#failures++;
      if (this.#failures >= this.#failuresMax) this.#openedNs = this.#clock.nowNs();
    }
  }

  #leftNs(openedNs: number): number {
    return Math.max(0, openedNs + this.#openNs - this.#clock.nowNs());
  }
}
