/** What a series of a metric is made with. */
export interface MetricOptions {
  /** The help text on the metrics page. */
  readonly help: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Counter {
  /** @param by 1 when missing; never below 0. */
  increment(by?: number): void;
  value(): Promise<number>;
}

export interface Gauge {
  increment(by?: number): void;
  set(value: number): void;
  value(): Promise<number>;
}

export interface Histogram {
  observe(value: number): void;
}

/** Metrics of the model's own, on the server's page. The same name and labels are one series, whoever makes it. */
export interface ModelMetrics {
  /** @throws TritonError INVALID_ARG for a name or labels that cannot be. */
  counter(name: string, options: MetricOptions): Promise<Counter>;
  /** @throws TritonError INVALID_ARG */
  gauge(name: string, options: MetricOptions): Promise<Gauge>;
  /** @param options.buckets Upper bounds, ascending. @throws TritonError INVALID_ARG */
  histogram(
    name: string,
    options: MetricOptions & { readonly buckets: readonly number[] },
  ): Promise<Histogram>;
}
