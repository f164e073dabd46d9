import type { Tensor } from '@nereid/protocol';
import { RequestQueue } from '../request-queue.ts';
import type { CorrelationId } from './correlation-id.ts';
import type { KeptStates } from './kept-states.ts';
import type { SequenceRequest } from './sequence-request.ts';
import type { SequenceSlot } from './sequence-slot.ts';

/**
 * Requests of one correlation id, from a START to the END: those that wait, in order, and what is kept
 * between them. The scheduler owns it; it has a slot, or waits in the backlog for one.
 */
export class Sequence {
  /** For a generated id the negative of it: clients' ids are never negative. */
  readonly id: CorrelationId;
  readonly waiting: RequestQueue<SequenceRequest> = new RequestQueue();
  /** The id as an input of the model. */
  readonly idTensors: readonly Tensor[];
  slot: SequenceSlot | null = null;
  states: KeptStates | null = null;
  /** No more requests come: the END is there, or the sequence was cut off. Its slot is free after what waits. */
  over = false;
  /** A request of it was cancelled: the others are, too. */
  cancelled = false;
  /** `Clock.nowNs` of the last request, or of the slot if that came later. */
  lastSeenNs: number;
  /** When it has waited long enough in the backlog; 0 is never. */
  deadlineNs = 0;
  heapIndex = -1;

  constructor(id: CorrelationId, idTensors: readonly Tensor[], nowNs: number) {
    this.id = id;
    this.idTensors = idTensors;
    this.lastSeenNs = nowNs;
  }
}
