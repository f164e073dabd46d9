import type { BackendReport } from '../core/backend.ts';
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
import { labelText, withLabel } from './metric-labels.ts';
import type {
  HistogramValue,
  MetricCollector,
  MetricFamily,
  MetricSample,
} from './metric-sample.ts';
import { failureReasons, type ModelCounters, type ModelStatistics } from './model-statistics.ts';
import { batchSizes, modelMemory, workerRestarts } from './own-families.ts';

/** A loaded model version as the metrics see it. */
export interface MetricModel {
  readonly name: string;
  readonly version: number;
  /** '' without --model-namespacing: then there is no such label. */
  readonly namespace: string;
  /** `metric_tags` of the configuration; each becomes a label that begins with `_`. */
  readonly tags: ReadonlyMap<string, string>;
  /** The same object as long as the version is loaded. */
  readonly statistics: Pick<ModelStatistics, 'counters' | 'latencies' | 'batchSizes'>;
  /** What was executed on each GPU, by its UUID, each the same object as long as the version is loaded. */
  readonly gpus: ReadonlyMap<string, Pick<ModelStatistics, 'counters'>>;
  /** Requests that wait for an instance. */
  readonly pendingCount: number;
  readonly loadDurationSecs: number;
  /** True when the version uses the response cache. */
  readonly cached: boolean;
  /** What its backend tells; null where that tells nothing. */
  readonly report: BackendReport | null;
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
  /** A version's labels never change, and making them is most of the work of a scrape. */
  readonly #labels = new WeakMap<object, ModelLabels>();

  /** `counterLatencies` false is `--metrics-config=counter_latencies=false`. */
  constructor(source: MetricSource, counterLatencies: boolean) {
    this.#source = source;
    this.#counterLatencies = counterLatencies;
  }

  collect(): readonly MetricSample[] {
    const samples: MetricSample[] = [];
    const seen = new Set<string>();
    for (const model of this.#source.models()) {
      const labels = this.#labelsOf(model);
      if (seen.has(labels.all)) continue;
      seen.add(labels.all);
      this.#collectModel(model, labels, samples);
    }
    return samples;
  }

  #collectCounters(
    counters: ModelCounters,
    { all: labels, byReason }: ModelLabels,
    durations: typeof counts,
    samples: MetricSample[],
  ): void {
    // Triton creates the counts with counter_latencies=false too, but stops counting: they stay 0.
    const counting = this.#counterLatencies;
    for (const [family, value] of counts) {
      samples.push({ family, labels, value: counting ? value(counters) : 0 });
    }
    for (const [index, reason] of failureReasons.entries()) {
      const value = counting ? counters.failureCounts[reason] : 0;
      samples.push({ family: inferenceRequestFailure, labels: byReason[index]!, value });
    }
    if (!counting) return;
    for (const [family, value] of durations) {
      samples.push({ family, labels, value: value(counters) });
    }
  }

  #labelsOnGpu(model: MetricModel, uuid: string, statistics: object): ModelLabels {
    const known = this.#labels.get(statistics);
    if (known !== undefined) return known;
    const labels = modelLabels(model, uuid);
    this.#labels.set(statistics, labels);
    return labels;
  }

  #labelsOf(model: MetricModel): ModelLabels {
    const known = this.#labels.get(model.statistics);
    if (known !== undefined) return known;
    const labels = modelLabels(model);
    this.#labels.set(model.statistics, labels);
    return labels;
  }

  #collectModel(model: MetricModel, texts: ModelLabels, samples: MetricSample[]): void {
    const labels = texts.all;
    let counters = model.statistics.counters();
    // What GPUs executed has series of its own, and only the rest is here.
    for (const [uuid, statistics] of model.gpus) {
      const onGpu = statistics.counters();
      counters = countersWithout(counters, onGpu);
      this.#collectCounters(onGpu, this.#labelsOnGpu(model, uuid, statistics), latencies, samples);
    }
    const families = model.cached ? [...latencies, ...cacheCounts] : latencies;
    this.#collectCounters(counters, texts, families, samples);
    samples.push({ family: pendingRequestCount, labels, value: model.pendingCount });
    samples.push({ family: modelLoadDuration, labels, value: model.loadDurationSecs });
    collectReport(model.report, labels, samples);
    samples.push({ family: batchSizes, labels, value: batchHistogram(model.statistics) });
    for (const { family, value } of model.statistics.latencies?.series() ?? []) {
      samples.push({ family, labels, value });
    }
  }
}

/** Label texts of one model version: of most series, and of the failures in order of `failureReasons`. */
interface ModelLabels {
  readonly all: string;
  readonly byReason: readonly string[];
}

function modelLabels(model: MetricModel, gpuUuid: string | null = null): ModelLabels {
  const labels = new Map<string, string>();
  if (gpuUuid !== null) labels.set('gpu_uuid', gpuUuid);
  for (const [tag, value] of model.tags) labels.set(`_${tag}`, value);
  if (model.namespace !== '') labels.set('namespace', model.namespace);
  labels.set('model', model.name);
  labels.set('version', String(model.version));
  const all = labelText(labels);
  return {
    all,
    byReason: failureReasons.map((reason) => labelText(labels.set('reason', reason))),
  };
}

function countersWithout(all: ModelCounters, part: ModelCounters): ModelCounters {
  return {
    ...all,
    successCount: all.successCount - part.successCount,
    failureCounts: {
      ...all.failureCounts,
      BACKEND: all.failureCounts.BACKEND - part.failureCounts.BACKEND,
    },
    inferenceCount: all.inferenceCount - part.inferenceCount,
    executionCount: all.executionCount - part.executionCount,
    requestNs: all.requestNs - part.requestNs,
    queueNs: all.queueNs - part.queueNs,
    computeInputNs: all.computeInputNs - part.computeInputNs,
    computeInferNs: all.computeInferNs - part.computeInferNs,
    computeOutputNs: all.computeOutputNs - part.computeOutputNs,
  };
}

function collectReport(
  report: BackendReport | null,
  labels: string,
  samples: MetricSample[],
): void {
  if (report === null) return;
  for (const [kind, value] of report.memoryBytes) {
    samples.push({ family: modelMemory, labels: withLabel(labels, 'kind', kind), value });
  }
  if (report.workerRestarts !== null) {
    samples.push({ family: workerRestarts, labels, value: report.workerRestarts });
  }
}

/** Larger batches are rare, and all in the last bucket. */
const batchSizeBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Made from the statistics, which count every size anyhow. */
function batchHistogram(statistics: Pick<ModelStatistics, 'batchSizes'>): HistogramValue {
  const counts = new Float64Array(batchSizeBounds.length + 1);
  let sum = 0;
  for (const [size, count] of statistics.batchSizes()) {
    const at = batchSizeBounds.findIndex((bound) => size <= bound);
    const bucket = at < 0 ? batchSizeBounds.length : at;
    counts[bucket] = (counts[bucket] as number) + count;
    sum += size * count;
  }
  return { kind: 'histogram', bounds: batchSizeBounds, counts, sum, exemplars: null };
}

function microseconds(ns: number): number {
  return Math.floor(ns / 1000);
}
