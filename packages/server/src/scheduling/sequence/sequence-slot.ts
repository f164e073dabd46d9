import type { Sequence } from './sequence.ts';
import type { SequenceBatcher } from './sequence-batcher.ts';
import type { SequenceRequest } from './sequence-request.ts';

/** A place for one sequence at a time on one instance. Its number is the row in a direct batch. */
export interface SequenceSlot {
  readonly batcher: SequenceBatcher;
  readonly number: number;
  sequence: Sequence | null;
  /** At most one request of a slot is with the instance, or waits to be batched for it. */
  inflight: SequenceRequest | null;
}

/** The slots of one instance, made when they are first needed: there may be any number. */
export class SlotTable {
  readonly count: number;
  readonly #batcher: SequenceBatcher;
  readonly #slots: SequenceSlot[] = [];
  /** Numbers of those that were used before, descending. */
  readonly #free: number[] = [];

  constructor(batcher: SequenceBatcher, count: number) {
    this.#batcher = batcher;
    this.count = count;
  }

  /** The lowest free number: null when every slot is taken. */
  get lowestFree(): number | null {
    return this.#free.at(-1) ?? (this.#slots.length < this.count ? this.#slots.length : null);
  }

  /** Slots that hold a sequence now. */
  get takenCount(): number {
    return this.#slots.length - this.#free.length;
  }

  /** No slot holds a sequence, or a request of one that is over. */
  get isEmpty(): boolean {
    return this.takenCount === 0 && this.#slots.every(({ inflight }) => inflight === null);
  }

  /** Those made so far, by number. */
  get made(): readonly SequenceSlot[] {
    return this.#slots;
  }

  /** Gives the lowest free slot away. */
  take(): SequenceSlot {
    const number = this.#free.pop();
    if (number !== undefined) return this.#slots[number] as SequenceSlot;
    if (this.#slots.length >= this.count) throw new Error('there is no free slot');
    const slot: SequenceSlot = {
      batcher: this.#batcher,
      number: this.#slots.length,
      sequence: null,
      inflight: null,
    };
    this.#slots.push(slot);
    return slot;
  }

  /** Takes one back. */
  giveBack({ number }: SequenceSlot): void {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#free[middle] as number) > number) low = middle + 1;
      else high = middle;
    }
    this.#free.splice(low, 0, number);
  }
}
