import type { ModelConfig } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import type { ModelStatistics } from '../../observability/model-statistics.ts';
import type { BatchCounters } from '../batching/batch-counters.ts';
import type { BatchReason } from '../batching/batch-decision.ts';
import type { MayMerge } from '../batching/mergeable-requests.ts';
import { QueueAlarm } from '../batching/queue-alarm.ts';
import { type EndingExecution, endBatch } from '../end-batch.ts';
import type { Turn } from '../turn.ts';
import type { PaddingRows } from './padding-execution.ts';
import type { SequenceBatcher, SlotOwner } from './sequence-batcher.ts';
import type { SequenceRequest } from './sequence-request.ts';
import { type SequenceSlot, SlotTable } from './sequence-slot.ts';

/** Batches that run on the event loop take no more of one turn than this, and the one that exceeds it. */
const turnNsMax = 1_000_000;

export interface DirectBatcherOptions {
  readonly owner: SlotOwner;
  readonly instance: BackendInstance;
  /** With `sequence_batching`. */
  readonly config: ModelConfig;
  readonly mayMerge: MayMerge;
  readonly padding: PaddingRows;
  readonly statistics: ModelStatistics;
  readonly counters: BatchCounters;
  readonly clock: Clock;
  readonly turn: Turn;
  /** Nothing is sent while this is true. */
  readonly isHeld: () => boolean;
}

/**
 * Strategy `direct`: every sequence keeps its row in the instance's batches. Rows up to the last one
 * that has a request are executed; those without one are filled up.
 */
export class DirectBatcher implements SequenceBatcher {
  readonly slots: SlotTable;
  readonly pendingCount = 0;
  readonly #options: DirectBatcherOptions;
  readonly #delayNs: number;
  /** Requests that need not wait for more. */
  readonly #enoughRequests: number;
  readonly #alarm: QueueAlarm;
  #running = false;
  readonly #whenEnded: (() => void)[] = [];
  #lookIsDue = false;

  constructor(options: DirectBatcherOptions) {
    const { config, clock, turn } = options;
    const direct = config.sequence_batching?.direct ?? null;
    const rows = Math.max(1, config.max_batch_size);
    const utilization = direct?.minimum_slot_utilization ?? 0;
    this.#options = options;
    this.slots = new SlotTable(this, rows);
    // Only both settings together make requests wait.
    this.#delayNs =
      utilization === 0 ? 0 : Number(direct?.max_queue_delay_microseconds ?? 0) * 1000;
    this.#enoughRequests = utilization * rows;
    this.#alarm = new QueueAlarm(clock, turn, () => this.#dispatch());
  }

  look(slot: SequenceSlot): void {
    if (this.#running || slot.inflight !== null) return;
    // What comes in one turn is looked at together, unless nothing can be together.
    if (this.slots.count === 1) this.#dispatch();
    else this.#lookAtEndOfTurn();
  }

  leave(slot: SequenceSlot): void {
    this.look(slot);
  }

  remove(): boolean {
    return false;
  }

  stop(): void {
    this.#lookAtEndOfTurn();
  }

  async ended(): Promise<void> {
    if (this.#running) await new Promise<void>((resolve) => this.#whenEnded.push(resolve));
  }

  #lookAtEndOfTurn(): void {
    if (this.#lookIsDue) return;
    this.#lookIsDue = true;
    this.#options.turn.atEnd(() => {
      this.#lookIsDue = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    const { clock, isHeld } = this.#options;
    const startNs = clock.nowNs();
    while (!this.#running) {
      const ready = this.#ready();
      if (ready.length === 0 || isHeld()) break;
      const reason = this.#reasonToSend(ready);
      if (reason === null) return;
      this.#run(ready, reason);
      if (clock.nowNs() - startNs > turnNsMax) {
        if (!this.#running) this.#lookAtEndOfTurn();
        break;
      }
    }
    this.#alarm.cancel();
  }

  /** Slots whose next request may run, by number. */
  #ready(): SequenceSlot[] {
    const { owner } = this.#options;
    return this.slots.made.filter((slot) => slot.inflight === null && owner.first(slot) !== null);
  }

  /** Null where it is better to wait; then the alarm is set. */
  #reasonToSend(ready: readonly SequenceSlot[]): BatchReason | null {
    if (ready.length === this.slots.count) return 'full';
    if (this.#delayNs === 0) return 'idle_instance';
    if (ready.length >= this.#enoughRequests) return 'slot_utilization';
    const dueNs = this.#oldest(ready).queueStartNs + this.#delayNs;
    if (this.#options.clock.nowNs() >= dueNs) return 'delay';
    this.#alarm.set(dueNs);
    return null;
  }

  #oldest(ready: readonly SequenceSlot[]): SequenceRequest {
    const { owner } = this.#options;
    const requests = ready.map((slot) => owner.first(slot) as SequenceRequest);
    return requests.reduce((a, b) => (b.queueStartNs < a.queueStartNs ? b : a));
  }

  #run(ready: readonly SequenceSlot[], reason: BatchReason): void {
    const { instance, statistics, counters } = this.#options;
    const { rows, requestCount } = this.#rows(ready);
    counters.record(requestCount, rows.length, reason);
    this.#running = true;
    const work = instance.execute(rows);
    const end = (): void => {
      // Requests that are given back ask to be looked at: not in the middle of this, one in the other.
      endBatch(rows, rows.length, statistics);
      this.#running = false;
      for (const ended of this.#whenEnded.splice(0)) ended();
    };
    if (work === null) {
      end();
      return;
    }
    void work.then(() => {
      end();
      this.#dispatch();
    });
  }

  /**
   * The batch: requests in the rows of their slots. The one that has waited longest is among them; one
   * that does not fit beside it waits for the next batch.
   */
  #rows(ready: readonly SequenceSlot[]): { rows: EndingExecution[]; requestCount: number } {
    const { owner, mayMerge, padding } = this.#options;
    const oldest = this.#oldest(ready);
    oldest.prepare();
    const rows: EndingExecution[] = [];
    let requestCount = 0;
    for (const slot of ready) {
      const request = owner.first(slot) as SequenceRequest;
      if (request !== oldest) {
        request.prepare();
        if (!mayMerge(oldest.request, request.request)) continue;
      }
      while (rows.length < slot.number) rows.push(padding.rowLike(oldest));
      rows.push(owner.take(slot));
      requestCount++;
    }
    return { rows, requestCount };
  }
}
