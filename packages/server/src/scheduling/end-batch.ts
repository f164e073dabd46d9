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
  if (timed !== undefined) recordBatch(timed, batch, batchSize, statistics);
  for (const execution of batch) execution.executionEnded();
}

/** A batch lasts from when the first of it begins until the last of it ends: some models run one after the other. */
function recordBatch(
  first: EndingExecution,
  batch: readonly EndingExecution[],
  batchSize: number,
  statistics: ModelStatistics,
): void {
  let { computeStartNs, computeInputEndNs, computeOutputStartNs, computeEndNs } = first;
  for (const execution of batch) {
    if (execution.computeEndNs === 0) continue;
    computeStartNs = Math.min(computeStartNs, execution.computeStartNs);
    computeInputEndNs = Math.min(computeInputEndNs, execution.computeInputEndNs);
    computeOutputStartNs = Math.max(computeOutputStartNs, execution.computeOutputStartNs);
    computeEndNs = Math.max(computeEndNs, execution.computeEndNs);
  }
  const inputNs = computeInputEndNs - computeStartNs;
  const inferNs = computeOutputStartNs - computeInputEndNs;
  const outputNs = computeEndNs - computeOutputStartNs;
  statistics.recordBatch(batchSize, inputNs, inferNs, outputNs);
  first.gpuCounter?.recordBatch(batchSize, inputNs, inferNs, outputNs);
}
