import type { BackendInstance } from '../../core/backend.ts';
import type { SequenceBatcher } from './sequence-batcher.ts';
import type { SequenceBatcherMaker } from './sequence-batcher-maker.ts';
import type { SequenceSlot } from './sequence-slot.ts';

/**
 * The batchers of a model's instances. An instance that the model has no more takes no new sequence, and goes
 * when the last of those that it has is over.
 */
export class SequenceBatchers implements Iterable<SequenceBatcher> {
  readonly #make: SequenceBatcherMaker;
  /** Those that take sequences, in the order of their instances. */
  #staying: ReadonlyMap<BackendInstance, SequenceBatcher>;
  /** Those that only go on with the sequences that they have, and what to call when there is none. */
  readonly #leaving = new Map<SequenceBatcher, () => void>();

  /** @param make called once for each instance. */
  constructor(instances: readonly BackendInstance[], make: SequenceBatcherMaker) {
    this.#make = make;
    this.#staying = new Map(instances.map((instance) => [instance, make(instance)]));
  }

  /** All that may have something to execute. */
  *[Symbol.iterator](): Iterator<SequenceBatcher> {
    yield* this.#staying.values();
    yield* this.#leaving.keys();
  }

  /** Requests that wait for their instance. */
  get pendingCount(): number {
    return this.#sum(({ pendingCount }) => pendingCount);
  }

  /** Slots that hold a sequence. */
  get takenCount(): number {
    return this.#sum(({ slots }) => slots.takenCount);
  }

  /** Sequences that may have a slot at the same time. */
  get slotCount(): number {
    let count = 0;
    for (const { slots } of this.#staying.values()) count += slots.count;
    return count;
  }

  /** Gives the lowest free slot of all instances away; null when there is none. */
  takeSlot(): SequenceSlot | null {
    let lowest: SequenceBatcher | null = null;
    for (const batcher of this.#staying.values()) {
      const { lowestFree } = batcher.slots;
      if (lowestFree === null) continue;
      if (lowest === null || lowestFree < (lowest.slots.lowestFree as number)) lowest = batcher;
    }
    return lowest?.slots.take() ?? null;
  }

  /** False for one that is to take no new sequence. */
  keeps(batcher: SequenceBatcher): boolean {
    return this.#leaving.size === 0 || !this.#leaving.has(batcher);
  }

  /** Resolves when those that are not among `instances` have no sequence left, and nothing runs on them. */
  async replace(instances: readonly BackendInstance[]): Promise<void> {
    const before = this.#staying;
    this.#staying = new Map(
      instances.map((instance) => [instance, before.get(instance) ?? this.#make(instance)]),
    );
    const gone = [...before].filter(([instance]) => !this.#staying.has(instance));
    await Promise.all(gone.map(([, batcher]) => this.#leave(batcher)));
  }

  /** A sequence or a request has left its slot. */
  slotLeft(batcher: SequenceBatcher): void {
    if (!this.keeps(batcher) && batcher.slots.isEmpty) this.#letGo(batcher);
  }

  /** Nothing comes any more: sequences that nobody ended are over. */
  clear(): void {
    for (const batcher of [...this.#leaving.keys()]) this.#letGo(batcher);
  }

  async #leave(batcher: SequenceBatcher): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#leaving.set(batcher, resolve);
      this.slotLeft(batcher);
    });
    await batcher.ended();
  }

  #letGo(batcher: SequenceBatcher): void {
    const gone = this.#leaving.get(batcher);
    this.#leaving.delete(batcher);
    gone?.();
  }

  #sum(countOf: (batcher: SequenceBatcher) => number): number {
    let sum = 0;
    for (const batcher of this) sum += countOf(batcher);
    return sum;
  }
}
