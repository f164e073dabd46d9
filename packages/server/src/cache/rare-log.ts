import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';

/** Between two errors in the log: what fails for every request would fill it. */
const quietMs = 10_000;

/** Logs errors, no more than one in some seconds; how many were kept back is said with the next. */
export class RareLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #nextNs = 0;
  #keptBack = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  error(message: string): void {
    const nowNs = this.#clock.nowNs();
    if (nowNs < this.#nextNs) {
      this.#keptBack++;
      return;
    }
    const more = this.#keptBack > 0 ? ` (and ${this.#keptBack} errors like it before)` : '';
    this.#logger.error(`${message}${more}`);
    this.#nextNs = nowNs + quietMs * 1e6;
    this.#keptBack = 0;
  }
}
