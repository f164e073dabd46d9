import {
  cacheHitDuration,
  cacheHits,
  cacheMissDuration,
  cacheMisses,
  inferenceComputeInferDuration,
  inferenceComputeInputDuration,
  inferenceComputeOutputDuration,
  inferenceCount,
  inferenceExecCount,
  inferenceQueueDuration,
  inferenceRequestDuration,
  inferenceRequestFailure,
  inferenceRequestSuccess,
  modelLoadDuration,
  pendingRequestCount,
} from './metric-families.ts';
import { failureReasons, type ModelCounters, type ModelStatistics } from './model-statistics.ts';
import {
  labelText,
  type MetricCollector,
  type MetricFamily,
  type MetricSample,
} from './prometheus-text.ts';

/** A loaded model version as the metrics see it. */
export interface MetricModel {
  readonly name: string;
  readonly version: number;
  /** '' without --model-namespacing: then there is no such label. */
  readonly namespace: string;
  /** `metric_tags` of the configuration; each becomes a label that begins with `_`. */
  readonly tags: ReadonlyMap<string, string>;
  readonly statistics: Pick<ModelStatistics, 'counters'>;
  /** Requests that wait for an instance. */
  readonly pendingCount: number;
  readonly loadDurationSecs: number;
  /** True when the version uses the response cache. */
  readonly cached: boolean;
}

/** Knows what is loaded. Each model version at most once: the series of a second one are left out. */
export interface MetricSource {
  models(): Iterable<MetricModel>;
}

/** Families whose series exist whatever the settings are. */
const counts: readonly (readonly [MetricFamily, (counters: ModelCounters) => number])[] = [
  [inferenceRequestSuccess, (counters) => counters.successCount],
  [inferenceCount, (counters) => counters.inferenceCount],
  [inferenceExecCount, (counters) => counters.executionCount],
];

const latencies: typeof counts = [
  [inferenceRequestDuration, (counters) => microseconds(counters.requestNs)],
  [inferenceQueueDuration, (counters) => microseconds(counters.queueNs)],
  [inferenceComputeInputDuration, (counters) => microseconds(counters.computeInputNs)],
  [inferenceComputeInferDuration, (counters) => microseconds(counters.computeInferNs)],
  [inferenceComputeOutputDuration, (counters) => microseconds(counters.computeOutputNs)],
];

const cacheCounts: typeof counts = [
  [cacheHits, (counters) => counters.cacheHitCount],
  [cacheHitDuration, (counters) => microseconds(counters.cacheHitNs)],
  [cacheMisses, (counters) => counters.cacheMissCount],
  [cacheMissDuration, (counters) => microseconds(counters.cacheMissNs)],
];

/** Reads the series of every loaded model version from its statistics, when a scrape asks. */
export class ModelMetrics implements MetricCollector {
  readonly #source: MetricSource;
  readonly #counterLatencies: boolean;

  /** `counterLatencies` false is `--metrics-config=counter_latencies=false`. */
  constructor(source: MetricSource, counterLatencies: boolean) {
    this.#source = source;
    this.#counterLatencies = counterLatencies;
  }

  collect(): readonly MetricSample[] {
    const samples: MetricSample[] = [];
    const seen = new Set<string>();
    for (const model of this.#source.models()) {
      const labels = labelText(labelsOf(model));
      if (seen.has(labels)) continue;
      seen.add(labels);
      this.#collectModel(model, labels, samples);
    }
    return samples;
  }

  #collectModel(model: MetricModel, labels: string, samples: MetricSample[]): void {
    const counters = model.statistics.counters();
    // Triton creates the counts with counter_latencies=false too, but stops counting: they stay 0.
    const counting = this.#counterLatencies;
    for (const [family, value] of counts) {
      samples.push({ family, labels, value: counting ? value(counters) : 0 });
    }
    const withReason = labelsOf(model);
    for (const reason of failureReasons) {
      const value = counting ? counters.failureCounts[reason] : 0;
      const reasonLabels = labelText(withReason.set('reason', reason));
      samples.push({ family: inferenceRequestFailure, labels: reasonLabels, value });
    }
    if (counting) {
      const families = model.cached ? [...latencies, ...cacheCounts] : latencies;
      for (const [family, value] of families) {
        samples.push({ family, labels, value: value(counters) });
      }
    }
    samples.push({ family: pendingRequestCount, labels, value: model.pendingCount });
    samples.push({ family: modelLoadDuration, labels, value: model.loadDurationSecs });
  }
}

function labelsOf(model: MetricModel): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [tag, value] of model.tags) labels.set(`_${tag}`, value);
  if (model.namespace !== '') labels.set('namespace', model.namespace);
  labels.set('model', model.name);
  labels.set('version', String(model.version));
  return labels;
}

function microseconds(ns: number): number {
  return Math.floor(ns / 1000);
}
