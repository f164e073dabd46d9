import type { BatchRun } from './batch-run.ts';

/** Finds out which of two sizes of batches is better, by having batches of both. */
export interface SizeComparison {
  readonly present: number;
  /** The size that is compared with the present one. */
  readonly candidate: number;
  /** The size whose turn it is. */
  readonly size: number;
  /** Takes note of any batch. */
  learn(run: BatchRun): void;
  /** The size that is better; null while it is not known. */
  readonly winner: number | null;
  /** The two sizes differ beyond doubt. */
  readonly isSure: boolean;
}
