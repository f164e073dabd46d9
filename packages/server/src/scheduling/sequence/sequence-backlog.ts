import type { Clock } from '../../core/clock.ts';
import { DeadlineHeap } from '../deadline-heap.ts';
import { ExpiryTimer } from '../expiry-timer.ts';
import type { Sequence } from './sequence.ts';

/** Sequences that wait for a slot, in the order in which they came. */
export class SequenceBacklog {
  readonly #sequences = new Set<Sequence>();
  readonly #deadlines = new DeadlineHeap<Sequence>();
  readonly #timer: ExpiryTimer;
  readonly #clock: Clock;
  readonly #expired: (sequence: Sequence) => void;

  /** @param expired Called with a sequence that has waited as long as one of its requests may; it has left. */
  constructor(clock: Clock, expired: (sequence: Sequence) => void) {
    this.#clock = clock;
    this.#expired = expired;
    this.#timer = new ExpiryTimer(clock, () => this.#expire());
  }

  get length(): number {
    return this.#sequences.size;
  }

  get requestCount(): number {
    let count = 0;
    for (const { waiting } of this.#sequences) count += waiting.length;
    return count;
  }

  add(sequence: Sequence): void {
    this.#sequences.add(sequence);
  }

  /** A request with a time-out has come to a sequence: the first to be up counts for all of it. @param timeoutUs 0 is none. */
  limit(sequence: Sequence, timeoutUs: number | bigint): void {
    if (Number(timeoutUs) === 0) return;
    const deadlineNs = this.#clock.nowNs() + Number(timeoutUs) * 1000;
    if (sequence.deadlineNs > 0 && sequence.deadlineNs <= deadlineNs) return;
    this.#deadlines.remove(sequence);
    sequence.deadlineNs = deadlineNs;
    this.#deadlines.add(sequence);
    this.#timer.set(this.#deadlines.next?.deadlineNs ?? null);
  }

  /** Does nothing for one that is not here. */
  remove(sequence: Sequence): void {
    this.#sequences.delete(sequence);
    this.#deadlines.remove(sequence);
  }

  /** Forgets all of them: nothing comes any more. */
  clear(): void {
    this.#sequences.clear();
    this.#timer.set(null);
  }

  /** The sequence that has waited longest leaves. */
  shift(): Sequence | null {
    for (const sequence of this.#sequences) {
      this.remove(sequence);
      return sequence;
    }
    return null;
  }

  #expire(): void {
    for (;;) {
      const next = this.#deadlines.next;
      if (next === null || next.deadlineNs > this.#clock.nowNs()) break;
      this.remove(next);
      this.#expired(next);
    }
    this.#timer.set(this.#deadlines.next?.deadlineNs ?? null);
  }
}
