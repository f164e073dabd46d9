import type { Execution } from '../core/execution.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';

/** What was executed, and is told when its batch is over. */
export interface EndingExecution extends Execution {
  /** Sees to it that the request is answered, now or later. */
  executionEnded(): void;
}

/** Counts a batch that was executed and ends its requests. @param batchSize The sum over the batch. */
export function endBatch(
  batch: readonly EndingExecution[],
  batchSize: number,
  statistics: ModelStatistics,
): void {
  // Those that were cancelled meanwhile have no times.
  const timed = batch.find((execution) => execution.computeEndNs > 0);
  if (timed !== undefined) {
    const inputNs = timed.computeInputEndNs - timed.computeStartNs;
    const inferNs = timed.computeOutputStartNs - timed.computeInputEndNs;
    const outputNs = timed.computeEndNs - timed.computeOutputStartNs;
    statistics.recordBatch(batchSize, inputNs, inferNs, outputNs);
    timed.gpuCounter?.recordBatch(batchSize, inputNs, inferNs, outputNs);
  }
  for (const execution of batch) execution.executionEnded();
}
