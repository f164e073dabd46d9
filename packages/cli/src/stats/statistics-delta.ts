import type { ModelStatistics, StatisticDuration } from '@nereid/client';
import { latencyQuantile, modelKey, type ServerLatencies } from './server-latencies.ts';

/** The statistics of all models at one moment. */
export interface StatisticsSample {
  readonly atMs: number;
  readonly models: readonly ModelStatistics[];
  /** Null or absent where the server has none. */
  readonly latencies?: ServerLatencies | null;
}

/** What one model version did, since its start or between two samples. */
export interface ModelActivity {
  readonly name: string;
  readonly version: string;
  /** Requests that were answered, and that failed. */
  readonly succeeded: number;
  readonly failed: number;
  /** A second; null without an earlier sample. */
  readonly requestsPerSecond: number | null;
  /** Elements of batches a second. */
  readonly inferencesPerSecond: number | null;
  /** Means over the requests of the time; null without any. */
  readonly latencyNs: number | null;
  /** Percentiles of the latency; null without requests, or where the server keeps none. */
  readonly latencyP50Ns: number | null;
  readonly latencyP99Ns: number | null;
  readonly queueNs: number | null;
  readonly computeNs: number | null;
  /** Elements that ran at once, on average; null where nothing ran. */
  readonly batch: number | null;
  /** How often batches of each size ran, the most frequent first. */
  readonly batchSizes: readonly { readonly size: number; readonly count: number }[];
  /** Share of the requests that the cache answered; null where it was not asked. */
  readonly cacheHits: number | null;
}

/**
 * What each model did between two samples; since its start when there is only one. A model that was loaded again
 * between them counts anew.
 */
export function activityBetween(
  before: StatisticsSample | null,
  now: StatisticsSample,
): ModelActivity[] {
  const earlier = new Map(before?.models.map((model) => [key(model), model]));
  const seconds = before === null ? null : (now.atMs - before.atMs) / 1000;
  return now.models.map((model) => {
    const known = earlier.get(key(model));
    const isSame =
      known !== undefined &&
      known.inference_stats.success.count <= model.inference_stats.success.count;
    const earlierSample = isSame ? before : null;
    const quantile = (share: number): number | null =>
      quantileOf(key(model), earlierSample, now, share);
    return {
      ...activityOf(isSame ? known : null, model, seconds),
      latencyP50Ns: quantile(0.5),
      latencyP99Ns: quantile(0.99),
    };
  });
}

/** Of the requests between the samples where the server has histograms, else of its last minutes. */
function quantileOf(
  model: string,
  before: StatisticsSample | null,
  now: StatisticsSample,
  share: number,
): number | null {
  const histogram = now.latencies?.histograms.get(model);
  if (histogram !== undefined) {
    return latencyQuantile(before?.latencies?.histograms.get(model) ?? null, histogram, share);
  }
  const microseconds = now.latencies?.summaries.get(model)?.get(share);
  return microseconds === undefined ? null : microseconds * 1000;
}

function key({ name, version }: ModelStatistics): string {
  return modelKey(name, version);
}

function activityOf(
  before: ModelStatistics | null,
  now: ModelStatistics,
  seconds: number | null,
): Omit<ModelActivity, 'latencyP50Ns' | 'latencyP99Ns'> {
  const { inference_stats: stats } = now;
  const since = (name: keyof typeof stats): StatisticDuration =>
    difference(before?.inference_stats[name], stats[name]);
  const [success, fail, queue, compute, hit, miss] = [
    since('success'),
    since('fail'),
    since('queue'),
    since('compute_infer'),
    since('cache_hit'),
    since('cache_miss'),
  ];
  const inferences = Number(now.inference_count) - Number(before?.inference_count ?? 0);
  const executions = Number(now.execution_count) - Number(before?.execution_count ?? 0);
  const rate = (count: number): number | null =>
    seconds === null || seconds <= 0 ? null : count / seconds;
  return {
    name: now.name,
    version: now.version,
    succeeded: success.count,
    failed: fail.count,
    requestsPerSecond: rate(success.count + fail.count),
    inferencesPerSecond: rate(inferences),
    latencyNs: mean(success),
    queueNs: mean(queue),
    computeNs: mean(compute),
    batch: executions > 0 ? inferences / executions : null,
    batchSizes: batchSizes(before, now),
    cacheHits: hit.count + miss.count > 0 ? hit.count / (hit.count + miss.count) : null,
  };
}

function difference(
  before: StatisticDuration | undefined,
  now: StatisticDuration | undefined,
): StatisticDuration {
  return {
    count: Number(now?.count ?? 0) - Number(before?.count ?? 0),
    ns: Number(now?.ns ?? 0) - Number(before?.ns ?? 0),
  };
}

function mean({ count, ns }: StatisticDuration): number | null {
  return count > 0 ? ns / count : null;
}

function batchSizes(
  before: ModelStatistics | null,
  now: ModelStatistics,
): { size: number; count: number }[] {
  const earlier = new Map(
    before?.batch_stats.map((one) => [Number(one.batch_size), Number(one.compute_infer.count)]),
  );
  return now.batch_stats
    .map((one) => {
      const size = Number(one.batch_size);
      return { size, count: Number(one.compute_infer.count) - (earlier.get(size) ?? 0) };
    })
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count || a.size - b.size);
}
