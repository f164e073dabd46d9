import { InferenceError } from '@nereid/client';
import type { Clock } from '../clock.ts';
import { CircuitBreaker, type CircuitOptions, type CircuitState } from './circuit-breaker.ts';
import { type BackoffOptions, backoffMs, mayRetry, outcomeOf } from './retry-policy.ts';

export interface CallerOptions {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly retriesMax: number;
  /** A call's whole time. */
  readonly timeoutMs: number;
  readonly backoff: BackoffOptions | undefined;
  readonly circuit: CircuitOptions | undefined;
  /** Told what became of each request; null for nobody. */
  readonly log: ((text: string) => void) | null;
}

/** One request of a call: it has what is left of the call's time. */
export type Attempt<T> = (timeoutMs: number) => Promise<T>;

/** Sends requests, again where that may help, within a call's time, and none to a server that is known to be away. */
export class ResilientCaller {
  readonly #options: CallerOptions;
  readonly #circuit: CircuitBreaker;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#circuit = new CircuitBreaker(options.clock, options.circuit);
  }

  get circuitState(): CircuitState {
    return this.#circuit.state;
  }

  /**
   * @param what For the log.
   * @param signal Ends a wait; ending a request is up to the attempt.
   */
  async call<T>(what: string, attempt: Attempt<T>, signal?: AbortSignal): Promise<T> {
    const { clock, random, retriesMax, timeoutMs, backoff } = this.#options;
    const endNs = clock.nowNs() + timeoutMs * 1e6;
    for (let sent = 1; ; sent++) {
      try {
        return await this.#send(what, attempt, Math.max(1, (endNs - clock.nowNs()) / 1e6));
      } catch (error) {
        if (sent > retriesMax || !mayRetry(error) || this.#circuit.state !== 'closed') throw error;
        const delayMs = backoffMs(sent, random(), backoff);
        if (clock.nowNs() + delayMs * 1e6 >= endNs) throw error;
        this.#options.log?.(`${what}: sent again in ${delayMs.toFixed(0)} ms`);
        await wait(clock, delayMs, signal);
      }
    }
  }

  async #send<T>(what: string, attempt: Attempt<T>, timeoutMs: number): Promise<T> {
    this.#circuit.start();
    const startNs = this.#options.clock.nowNs();
    try {
      const answer = await attempt(timeoutMs);
      this.#circuit.finish('success');
      this.#ended(what, 'answered', startNs);
      return answer;
    } catch (error) {
      this.#circuit.finish(outcomeOf(error));
      this.#ended(what, `failed: ${error instanceof Error ? error.message : error}`, startNs);
      throw error;
    }
  }

  #ended(what: string, how: string, startNs: number): void {
    const { clock, log } = this.#options;
    if (log === null) return;
    log(`${what}: after ${((clock.nowNs() - startNs) / 1e6).toFixed(1)} ms ${how}`);
  }
}

/** @throws InferenceError CANCELLED when the signal comes first. */
async function wait(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const cancel = (): void => {
      timer.cancel();
      reject(new InferenceError('CANCELLED', 'the request was cancelled', null, signal?.reason));
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', cancel);
      resolve();
    });
    if (signal?.aborted === true) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  });
}
