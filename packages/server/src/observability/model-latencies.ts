import { type ModelConfig, TritonError } from '@nereid/protocol';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { DocumentedFamily } from './documented-family.ts';
import { boundsProblem, Histogram } from './histogram.ts';
import {
  cacheLatencySummaries,
  firstResponseHistogram,
  latencyHistograms,
  latencySummaries,
} from './latency-families.ts';
import type { HistogramValue, SummaryValue } from './metric-sample.ts';
import { QuantileWindow } from './quantile-window.ts';

/** What of latencies is kept beyond their sums. `options/` compiles it from `--metrics-config`. */
export interface LatencyConfiguration {
  readonly histograms: boolean;
  readonly summaries: boolean;
  /** From 0 to 1, for the summaries. */
  readonly quantiles: readonly number[];
}

/** Sums only, which cost nothing beyond the statistics. */
export const latencySumsOnly: LatencyConfiguration = {
  histograms: false,
  summaries: false,
  quantiles: [],
};

/** Triton's default for its histogram of first responses, in milliseconds. */
const firstResponseBoundsMs = [100, 500, 2000, 5000];

/** Of our histograms, in seconds: small models answer in tenths of a millisecond, large ones in seconds. */
const latencyBoundsSecs = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

const nsPerSec = 1e9;

type Histograms = Record<keyof typeof latencyHistograms, Histogram>;
type Summaries = Record<keyof typeof latencySummaries, QuantileWindow>;
type CacheSummaries = Record<keyof typeof cacheLatencySummaries, QuantileWindow>;

/** One distribution of the page. */
export interface LatencySeries {
  readonly family: DocumentedFamily;
  readonly value: HistogramValue | SummaryValue;
}

/** How the latencies of one model version are distributed. Durations in nanoseconds. */
export class ModelLatencies {
  readonly #clock: Clock;
  readonly #histograms: Histograms | null;
  readonly #firstResponse: Histogram | null;
  readonly #summaries: Summaries | null;
  readonly #cacheSummaries: CacheSummaries | null;

  /**
   * @param logger Told of families in `model_metrics` that have no buckets to choose.
   * @throws TritonError INVALID_ARG for buckets that are none.
   */
  constructor(
    settings: LatencyConfiguration,
    config: Pick<ModelConfig, 'name' | 'model_metrics'>,
    cached: boolean,
    clock: Clock,
    logger: Logger,
  ) {
    this.#clock = clock;
    const bounds = chosenBounds(config, logger);
    const histogram = (family: DocumentedFamily): Histogram =>
      new Histogram(
        (bounds.get(family.name) ?? latencyBoundsSecs).map((secs) => Math.round(secs * nsPerSec)),
      );
    this.#histograms = settings.histograms
      ? {
          request: histogram(latencyHistograms.request),
          queue: histogram(latencyHistograms.queue),
          compute: histogram(latencyHistograms.compute),
        }
      : null;
    this.#firstResponse = settings.histograms
      ? new Histogram(bounds.get(firstResponseHistogram.name) ?? firstResponseBoundsMs)
      : null;
    const summary = (): QuantileWindow => new QuantileWindow(clock, settings.quantiles);
    this.#summaries = settings.summaries
      ? {
          request: summary(),
          queue: summary(),
          computeInput: summary(),
          computeInfer: summary(),
          computeOutput: summary(),
        }
      : null;
    this.#cacheSummaries =
      settings.summaries && cached ? { hit: summary(), miss: summary() } : null;
  }

  recordSuccess(
    requestNs: number,
    queueNs: number,
    computeInputNs: number,
    computeInferNs: number,
    computeOutputNs: number,
    traceId: string | null,
  ): void {
    const computeNs = computeInputNs + computeInferNs + computeOutputNs;
    if (this.#histograms !== null) {
      const { request, queue, compute } = this.#histograms;
      request.record(requestNs);
      queue.record(queueNs);
      compute.record(computeNs);
      if (traceId !== null) {
        const wallMs = this.#clock.wallMs();
        request.exemplify(requestNs, traceId, wallMs);
        queue.exemplify(queueNs, traceId, wallMs);
        compute.exemplify(computeNs, traceId, wallMs);
      }
    }
    if (this.#summaries !== null) {
      const nowNs = this.#clock.nowNs();
      const { request, queue, computeInput, computeInfer, computeOutput } = this.#summaries;
      request.record(wholeMicroseconds(requestNs), nowNs);
      queue.record(wholeMicroseconds(queueNs), nowNs);
      computeInput.record(wholeMicroseconds(computeInputNs), nowNs);
      computeInfer.record(wholeMicroseconds(computeInferNs), nowNs);
      computeOutput.record(wholeMicroseconds(computeOutputNs), nowNs);
    }
  }

  recordCacheHit(requestNs: number, queueNs: number, lookupNs: number): void {
    if (this.#histograms !== null) {
      this.#histograms.request.record(requestNs);
      this.#histograms.queue.record(queueNs);
    }
    const nowNs = this.#clock.nowNs();
    this.#summaries?.queue.record(wholeMicroseconds(queueNs), nowNs);
    this.#cacheSummaries?.hit.record(wholeMicroseconds(lookupNs), nowNs);
  }

  recordCacheMiss(lookupAndInsertNs: number): void {
    this.#cacheSummaries?.miss.record(wholeMicroseconds(lookupAndInsertNs), this.#clock.nowNs());
  }

  /** The first answer of a request, whatever it says: Triton counts whole milliseconds. */
  recordFirstResponse(sinceStartNs: number): void {
    this.#firstResponse?.record(Math.max(0, Math.floor(sinceStartNs / 1e6)));
  }

  /** True where first answers are to be told. */
  get wantsFirstResponse(): boolean {
    return this.#firstResponse !== null;
  }

  /** Everything that is kept, in the order in which it is written. */
  series(): readonly LatencySeries[] {
    const series: LatencySeries[] = [];
    if (this.#firstResponse !== null) {
      series.push({ family: firstResponseHistogram, value: this.#firstResponse.value() });
    }
    for (const [key, histogram] of entries(this.#histograms)) {
      series.push({ family: latencyHistograms[key], value: histogram.value(1 / nsPerSec) });
    }
    for (const [key, window] of entries(this.#summaries)) {
      // With a cache Triton leaves the duration of requests out, since a miss would be told too short.
      if (key === 'request' && this.#cacheSummaries !== null) continue;
      series.push({ family: latencySummaries[key], value: window.value() });
    }
    for (const [key, window] of entries(this.#cacheSummaries)) {
      series.push({ family: cacheLatencySummaries[key], value: window.value() });
    }
    return series;
  }
}

function entries<K extends string, V>(record: Readonly<Record<K, V>> | null): [K, V][] {
  return record === null ? [] : (Object.entries(record) as [K, V][]);
}

function wholeMicroseconds(ns: number): number {
  return Math.max(0, Math.floor(ns / 1000));
}

/** Bounds of `model_metrics` by family. @throws TritonError INVALID_ARG */
function chosenBounds(
  { name, model_metrics }: Pick<ModelConfig, 'name' | 'model_metrics'>,
  logger: Logger,
): ReadonlyMap<string, readonly number[]> {
  const bounds = new Map<string, readonly number[]>();
  for (const control of model_metrics?.metric_control ?? []) {
    const family = control.metric_identifier?.family ?? '';
    if (!histogramNames.has(family)) {
      logger.warning(
        `Metric family '${family}' in 'metric_identifier' is not a customizable metric in Triton core.`,
      );
      continue;
    }
    const buckets = control.histogram_options?.buckets ?? [];
    const problem = boundsProblem(buckets);
    if (problem !== null) {
      throw new TritonError(
        'INVALID_ARG',
        `model '${name}': model_metrics of family '${family}': ${problem}`,
      );
    }
    bounds.set(family, buckets);
  }
  return bounds;
}

const histogramNames: ReadonlySet<string> = new Set(
  [firstResponseHistogram, ...Object.values(latencyHistograms)].map(({ name }) => name),
);
