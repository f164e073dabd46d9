import type { Clock, Timer } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';

export interface RepositoryPollerOptions {
  /** Brings the models in line with the repositories. */
  readonly update: () => Promise<unknown>;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Looks for changes in the repositories, an interval after the last look ended: looks never overlap. */
export class RepositoryPoller {
  readonly #options: RepositoryPollerOptions;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: RepositoryPollerOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, intervalMs } = this.#options;
    this.#timer = clock.setTimer(intervalMs, () => void this.#look());
  }

  /** A look that is under way may go on: who unloads the models waits for it, as long as there is time. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    try {
      await this.#options.update();
    } catch (error) {
      if (this.#stopped) return;
      this.#options.logger.error(
        `failed to poll the model repositories: ${error instanceof Error ? error.message : error}`,
      );
    }
    if (!this.#stopped) this.start();
  }
}
