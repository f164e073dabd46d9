import type { ResponseOutcome } from '../core/execution.ts';
import type { DurationStatistics } from './model-statistics.ts';

/** The answers of one index, over all requests. Names are those of both wires. */
export type ResponseStatistics = Readonly<
  Record<'compute_infer' | 'compute_output' | ResponseOutcome, DurationStatistics>
>;

/** Answers beyond this index are not told apart: some streams never end. */
const responseIndexesMax = 1024;

type Totals = Record<keyof ResponseStatistics, { count: number; ns: number }>;

/** Counts answers by their place in their requests: what a backend that answers several times reports. */
export class ResponseCounts {
  readonly #byIndex: Totals[] = [];

  /**
   * @param index from 0
   * @param inferNs from the start of the work on this answer to that of its outputs
   * @param outputNs of its outputs; 0 for an answer without any
   */
  record(index: number, outcome: ResponseOutcome, inferNs: number, outputNs: number): void {
    if (index >= responseIndexesMax) return;
    while (this.#byIndex.length <= index) this.#byIndex.push(noTotals());
    const totals = this.#byIndex[index] as Totals;
    add(totals[outcome], inferNs + outputNs);
    if (outcome === 'cancel') return;
    add(totals.compute_infer, inferNs);
    // As in Triton, an answer that failed before its outputs, and an empty one, have no output time.
    if (outcome === 'success' || (outcome === 'fail' && outputNs > 0)) {
      add(totals.compute_output, outputNs);
    }
  }

  snapshot(): Readonly<Record<string, ResponseStatistics>> {
    return Object.fromEntries(
      this.#byIndex.map((totals, index) => [
        String(index),
        Object.fromEntries(
          Object.entries(totals).map(([name, { count, ns }]) => [
            name,
            { count, ns: Math.round(ns) },
          ]),
        ) as ResponseStatistics,
      ]),
    );
  }
}

function add(total: { count: number; ns: number }, ns: number): void {
  total.count += 1;
  total.ns += ns;
}

function noTotals(): Totals {
  const none = (): { count: number; ns: number } => ({ count: 0, ns: 0 });
  return {
    compute_infer: none(),
    compute_output: none(),
    success: none(),
    fail: none(),
    empty_response: none(),
    cancel: none(),
  };
}
