import type { Exemplar, HistogramValue } from './metric-sample.ts';

/**
 * Counts values by bucket. Recording is a short search and two additions: it is on the path of every
 * request.
 */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;
  #exemplars: (Exemplar | null)[] | null = null;

  /** @param bounds Upper bounds that belong to their bucket; strictly ascending and finite. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  record(value: number): void {
    const bucket = this.#bucketOf(value);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += value;
  }

  /** Keeps the value as the example of its bucket, in place of the one before. Call beside `record`. */
  exemplify(value: number, traceId: string, wallMs: number): void {
    this.#exemplars ??= new Array<Exemplar | null>(this.#counts.length).fill(null);
    this.#exemplars[this.#bucketOf(value)] = { traceId, value, wallMs };
  }

  /** @param scale What one unit of the recorded values is in those of the page. */
  value(scale = 1): HistogramValue {
    return {
      kind: 'histogram',
      bounds: scale === 1 ? this.#bounds : this.#bounds.map((bound) => scaled(bound, scale)),
      counts: this.#counts,
      sum: scaled(this.#sum, scale),
      exemplars:
        this.#exemplars?.map(
          (exemplar) => exemplar && { ...exemplar, value: scaled(exemplar.value, scale) },
        ) ?? null,
    };
  }

  #bucketOf(value: number): number {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= (bounds[middle] as number)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Nanoseconds become seconds by division, which rounds once: 0.0001 and not 0.00010000000000000002. */
function scaled(value: number, scale: number): number {
  return scale >= 1 ? value * scale : value / Math.round(1 / scale);
}

/** What is wrong with bounds that somebody configured, or null. */
export function boundsProblem(bounds: readonly number[]): string | null {
  if (bounds.some((bound) => !Number.isFinite(bound))) return 'Bucket Boundaries must be finite';
  const ascending = bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] as number));
  return ascending ? null : 'Bucket Boundaries must be strictly sorted';
}
