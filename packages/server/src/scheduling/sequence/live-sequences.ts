import type { Clock } from '../../core/clock.ts';
import { ExpiryTimer } from '../expiry-timer.ts';
import type { CorrelationId } from './correlation-id.ts';
import type { Sequence } from './sequence.ts';

/** Sequences whose END has not come, by id; those that stay silent for too long leave. */
export class LiveSequences {
  /** The one that was silent longest first. */
  readonly #sequences = new Map<CorrelationId, Sequence>();
  readonly #clock: Clock;
  readonly #idleNs: number;
  readonly #idle: (sequence: Sequence) => void;
  readonly #timer: ExpiryTimer;
  #whenNone: (() => void)[] = [];

  /** @param idle Called with a sequence that has left because nothing was heard of it. */
  constructor(clock: Clock, idleNs: number, idle: (sequence: Sequence) => void) {
    this.#clock = clock;
    this.#idleNs = idleNs;
    this.#idle = idle;
    this.#timer = new ExpiryTimer(clock, () => this.#expire());
  }

  get size(): number {
    return this.#sequences.size;
  }

  get(id: CorrelationId): Sequence | null {
    return this.#sequences.get(id) ?? null;
  }

  /** Adds a sequence, or notes that there is news of it. */
  touch(sequence: Sequence): void {
    sequence.lastSeenNs = this.#clock.nowNs();
    this.#sequences.delete(sequence.id);
    this.#sequences.set(sequence.id, sequence);
    this.#setTimer();
  }

  /** Does nothing for one that has left; another may have its id by now. */
  remove(sequence: Sequence): void {
    if (this.#sequences.get(sequence.id) === sequence) this.#sequences.delete(sequence.id);
    if (this.#sequences.size === 0) this.#becameNone();
  }

  /** Forgets all of them: nothing comes any more. */
  clear(): void {
    this.#sequences.clear();
    this.#becameNone();
  }

  /** Resolves when there is none. */
  async none(): Promise<void> {
    if (this.#sequences.size === 0) return;
    await new Promise<void>((resolve) => this.#whenNone.push(resolve));
  }

  #becameNone(): void {
    this.#timer.set(null);
    for (const told of this.#whenNone.splice(0)) told();
  }

  #expire(): void {
    const silentSinceNs = this.#clock.nowNs() - this.#idleNs;
    for (const sequence of this.#sequences.values()) {
      if (sequence.lastSeenNs > silentSinceNs) break;
      // In the backlog there is nothing that it could be too slow for.
      if (sequence.slot === null) this.touch(sequence);
      else {
        this.remove(sequence);
        this.#idle(sequence);
      }
    }
    this.#setTimer();
  }

  #setTimer(): void {
    for (const { lastSeenNs } of this.#sequences.values()) {
      this.#timer.set(lastSeenNs + this.#idleNs);
      return;
    }
  }
}
