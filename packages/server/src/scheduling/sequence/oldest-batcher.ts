import type { DynamicBatcher } from '../batching/dynamic-batcher.ts';
import type { SequenceBatcher, SlotOwner } from './sequence-batcher.ts';
import type { SequenceRequest } from './sequence-request.ts';
import { type SequenceSlot, SlotTable } from './sequence-slot.ts';

/**
 * Strategy `oldest`: one request of each sequence at a time goes into a dynamic batcher for the
 * instance, whichever came first.
 */
export class OldestBatcher implements SequenceBatcher {
  readonly slots: SlotTable;
  readonly #owner: SlotOwner;
  readonly #batcher: DynamicBatcher;

  /** @param batcher Of the instance. */
  constructor(owner: SlotOwner, slotCount: number, batcher: DynamicBatcher) {
    this.#owner = owner;
    this.slots = new SlotTable(this, slotCount);
    this.#batcher = batcher;
  }

  get pendingCount(): number {
    return this.#batcher.pendingCount;
  }

  look(slot: SequenceSlot): void {
    if (slot.inflight !== null) return;
    const next = this.#owner.first(slot);
    if (next === null) return;
    next.prepare();
    this.#batcher.enter(next.request);
    this.#batcher.add(this.#owner.take(slot));
  }

  leave(slot: SequenceSlot, { request }: SequenceRequest): void {
    this.#batcher.leave(request);
    this.look(slot);
  }

  remove(request: SequenceRequest): boolean {
    return this.#batcher.remove(request);
  }

  stop(): void {
    this.#batcher.stop();
  }

  ended(): Promise<void> {
    return this.#batcher.replaceInstances([]);
  }
}
