/** The kinds of metric that are written, in the order in which Triton's client library writes them. */
export const metricTypes = ['counter', 'gauge', 'histogram', 'summary'] as const;

export type MetricType = (typeof metricTypes)[number];

/** What a family is, apart from its values. */
export interface MetricFamily {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
}

/** One request that fell into a bucket, so that a dashboard can go from the bucket to its trace. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: number;
}

/** How many values fell into each bucket. */
export interface HistogramValue {
  readonly kind: 'histogram';
  /** Upper bounds, ascending, without infinity. */
  readonly bounds: readonly number[];
  /** Not cumulative; one more than there are bounds. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
  /** By bucket, null for a bucket without one; null where no value ever had one. */
  readonly exemplars: readonly (Exemplar | null)[] | null;
}

/** Quantiles over the recent past, count and sum since the start. */
export interface SummaryValue {
  readonly kind: 'summary';
  /** Quantile, from 0 to 1, and its value: NaN without recent values. */
  readonly quantiles: readonly (readonly [quantile: number, value: number])[];
  readonly count: number;
  readonly sum: number;
}

/** One series of a family at one moment. `labels` is text made by `labelText`, '' for none. */
export interface MetricSample {
  readonly family: MetricFamily;
  readonly labels: string;
  readonly value: number | HistogramValue | SummaryValue;
}

/** Gives samples when it is asked to; nothing is kept ready for that. */
export interface MetricCollector {
  collect(): readonly MetricSample[];
}
