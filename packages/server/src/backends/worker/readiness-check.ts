import { TritonError } from '@nereid/protocol';
import type { Clock } from '../../core/clock.ts';

/** Triton's own bound. */
const timeoutMs = 5000;

export interface ReadinessCheckParts {
  readonly instanceName: string;
  readonly clock: Clock;
  /** Has the worker call `is_ready`; what it says comes to `answered`. */
  readonly ask: () => void;
}

type Answer = (error: TritonError | null) => void;

/** Asks a model by its `is_ready`, once for all who want to know at the same time. */
export class ReadinessCheck {
  readonly #parts: ReadinessCheckParts;
  /** Those who wait; null while nothing is asked. */
  #waiting: Set<Answer> | null = null;

  constructor(parts: ReadinessCheckParts) {
    this.#parts = parts;
  }

  /** Null when the model is ready, otherwise why it is not. Never rejects. */
  check(): Promise<TritonError | null> {
    const first = this.#waiting === null;
    this.#waiting ??= new Set();
    const waiting = this.#waiting;
    const whose = first ? 'user-defined' : 'in-flight';
    return new Promise((resolve) => {
      const timer = this.#parts.clock.setTimer(timeoutMs, () => {
        waiting.delete(answer);
        const text = `Timed out waiting for ${whose} is_ready() response`;
        resolve(new TritonError('UNAVAILABLE', text));
      });
      const answer: Answer = (error) => {
        timer.cancel();
        resolve(error);
      };
      waiting.add(answer);
      if (first) this.#parts.ask();
    });
  }

  answered(ready: boolean, error: string | null): void {
    if (error !== null) this.#settle(new TritonError('INTERNAL', error));
    else this.#settle(ready ? null : this.#refusal());
  }

  /** The worker has gone. */
  abandon(): void {
    const text = 'Stub process is not healthy while waiting for user-defined is_ready() response';
    this.#settle(new TritonError('INTERNAL', text));
  }

  #refusal(): TritonError {
    return new TritonError(
      'UNAVAILABLE',
      `Model '${this.#parts.instanceName}' is not ready (user-defined check failed).`,
    );
  }

  #settle(error: TritonError | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    for (const answer of waiting ?? []) answer(error);
  }
}
