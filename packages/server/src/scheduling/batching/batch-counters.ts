import type { AdaptiveReport } from './adaptive/adaptive-batching.ts';
import { type BatchReason, batchReasons } from './batch-decision.ts';

/** Batch sizes that are counted by themselves. */
const batchSizesMax = 65_536;

/** What a model's queue did, as `GET /v2/models/{model}/batching` tells it. */
export interface BatchingReport {
  /** Batches sent. */
  readonly batch_count: number;
  readonly request_count: number;
  /** Why batches were sent when they were: how many for each reason. */
  readonly reasons: Readonly<Record<BatchReason, number>>;
  /** Ascending. `batch_size` is the sum over the batch's requests. */
  readonly batch_sizes: readonly { readonly batch_size: number; readonly count: number }[];
  /** Requests that wait now. */
  readonly pending_count: number;
  /** Of a model that learns how to batch. */
  readonly adaptive?: AdaptiveReport;
  /** Of a model with sequence batching. */
  readonly sequences?: SequencesReport;
}

/** Where a model's sequences are now. */
export interface SequencesReport {
  /** Of all instances together. */
  readonly slot_count: number;
  /** Slots that hold a sequence. */
  readonly active_count: number;
  /** Sequences that wait for a slot. */
  readonly backlog_count: number;
}

/** Counts the batches that a queue sent. */
export class BatchCounters {
  readonly #reasons: Record<BatchReason, number> = Object.fromEntries(
    batchReasons.map((reason) => [reason, 0]),
  ) as Record<BatchReason, number>;
  readonly #sizes = new Map<number, number>();
  #batchCount = 0;
  #requestCount = 0;

  record(requestCount: number, batchSize: number, reason: BatchReason): void {
    this.#batchCount++;
    this.#requestCount += requestCount;
    this.#reasons[reason]++;
    const count = this.#sizes.get(batchSize);
    if (count === undefined && this.#sizes.size >= batchSizesMax) return;
    this.#sizes.set(batchSize, (count ?? 0) + 1);
  }

  report(pendingCount: number): BatchingReport {
    return {
      batch_count: this.#batchCount,
      request_count: this.#requestCount,
      reasons: { ...this.#reasons },
      batch_sizes: [...this.#sizes]
        .sort(([a], [b]) => a - b)
        .map(([batch_size, count]) => ({ batch_size, count })),
      pending_count: pendingCount,
    };
  }
}
