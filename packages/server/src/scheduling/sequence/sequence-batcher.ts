import type { SequenceRequest } from './sequence-request.ts';
import type { SequenceSlot, SlotTable } from './sequence-slot.ts';

/** Decides when the sequences in the slots of one instance are executed: by strategy `direct` or `oldest`. */
export interface SequenceBatcher {
  readonly slots: SlotTable;
  /** Requests that left their sequence's queue and wait for the instance. */
  readonly pendingCount: number;
  /** The slot may have something to execute now. */
  look(slot: SequenceSlot): void;
  /** The slot's request is over: it has its answer, or waits anew. */
  leave(slot: SequenceSlot, request: SequenceRequest): void;
  /** Takes a request out that was cancelled. @returns False when it does not wait here. */
  remove(request: SequenceRequest): boolean;
  /** Nothing is held back for tests any more. */
  stop(): void;
  /** For one whose slots are empty and stay so: resolves when nothing runs on the instance. */
  ended(): Promise<void>;
}

/** What a batcher asks the scheduler for. */
export interface SlotOwner {
  /** What `take` would give; null when nothing waits. Hands the slot on when its sequence is over. */
  first(slot: SequenceSlot): SequenceRequest | null;
  /** Takes the first request of the slot's sequence; with the last one the slot is the next sequence's. */
  take(slot: SequenceSlot): SequenceRequest;
}
