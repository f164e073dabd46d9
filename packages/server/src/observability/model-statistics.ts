import type { Clock } from '../core/clock.ts';
import type { ResponseOutcome } from '../core/execution.ts';
import type { ModelLatencies } from './model-latencies.ts';
import { ResponseCounts, type ResponseStatistics } from './response-statistics.ts';

/** Why a request failed, as the metric label and the statistics tell it. */
export type FailureReason = 'REJECTED' | 'CANCELED' | 'BACKEND' | 'OTHER';

/** Every failure reason, in the order in which the series are written. */
export const failureReasons: readonly FailureReason[] = [
  'REJECTED',
  'CANCELED',
  'BACKEND',
  'OTHER',
];

/** How often something happened and how long it took altogether, whole nanoseconds. */
export interface DurationStatistics {
  readonly count: number;
  readonly ns: number;
}

/** One batch size that was executed at least once. */
export interface BatchStatistics {
  readonly batch_size: number;
  readonly compute_input: DurationStatistics;
  readonly compute_infer: DurationStatistics;
  readonly compute_output: DurationStatistics;
}

/** Memory that a model version holds, as its backend reports it. */
export interface MemoryUsage {
  readonly type: 'CPU' | 'CPU_PINNED' | 'GPU';
  readonly id: number;
  readonly byte_size: number;
}

/**
 * A model version's statistics as both wires spell them (JSON member and protobuf field names),
 * without its name and version. The JSON of it is what the statistics endpoint sends.
 */
export interface ModelStatisticsSnapshot {
  /** Milliseconds since the Unix epoch of the last execution, 0 before the first. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: {
    readonly success: DurationStatistics;
    readonly fail: DurationStatistics;
    readonly queue: DurationStatistics;
    readonly compute_input: DurationStatistics;
    readonly compute_infer: DurationStatistics;
    readonly compute_output: DurationStatistics;
    readonly cache_hit: DurationStatistics;
    readonly cache_miss: DurationStatistics;
  };
  /** By response index. Only a backend that reports its responses has any: Triton's square, not its Python. */
  readonly response_stats: Readonly<Record<string, ResponseStatistics>>;
  /** Ascending by batch size. */
  readonly batch_stats: readonly BatchStatistics[];
  readonly memory_usage: readonly MemoryUsage[];
}

/** The raw totals that the metrics are written from. Durations in nanoseconds. */
export interface ModelCounters {
  readonly successCount: number;
  readonly failureCounts: Readonly<Record<FailureReason, number>>;
  readonly inferenceCount: number;
  readonly executionCount: number;
  readonly requestNs: number;
  readonly queueNs: number;
  readonly computeInputNs: number;
  readonly computeInferNs: number;
  readonly computeOutputNs: number;
  readonly cacheHitCount: number;
  readonly cacheHitNs: number;
  readonly cacheMissCount: number;
  readonly cacheMissNs: number;
}

/** Batch sizes that get an entry of their own; a model with more distinct ones counts only totals for the rest. */
const batchSizesMax = 65_536;

interface BatchTotals {
  count: number;
  computeInputNs: number;
  computeInferNs: number;
  computeOutputNs: number;
}

/**
 * Counts what one model version does. Recording is on the path of every request: plain additions,
 * nothing allocated but one entry the first time that a batch size is seen. A reload of the model
 * starts a new one.
 */
export class ModelStatistics {
  readonly #clock: Clock;
  readonly #batches = new Map<number, BatchTotals>();
  #responses: ResponseCounts | null = null;
  #memoryUsage: readonly MemoryUsage[] = [];
  #lastInferenceMs = 0;
  #inferenceCount = 0;
  #executionCount = 0;
  #successCount = 0;
  #requestNs = 0;
  #queueNs = 0;
  #computeInputNs = 0;
  #computeInferNs = 0;
  #computeOutputNs = 0;
  #failureNs = 0;
  #rejectedCount = 0;
  #canceledCount = 0;
  #backendFailureCount = 0;
  #otherFailureCount = 0;
  #cacheHitCount = 0;
  #cacheHitNs = 0;
  #cacheMissCount = 0;
  #cacheMissNs = 0;

  /** How latencies are distributed; null where only their sums are kept. */
  readonly latencies: ModelLatencies | null;

  constructor(clock: Clock, latencies: ModelLatencies | null = null) {
    this.#clock = clock;
    this.latencies = latencies;
  }

  /**
   * A request was executed and answered.
   * @param batchSize 1 for a model that does not batch
   * @param traceId of its trace, null for a request that is not traced
   */
  recordSuccess(
    batchSize: number,
    requestNs: number,
    queueNs: number,
    computeInputNs: number,
    computeInferNs: number,
    computeOutputNs: number,
    traceId: string | null = null,
  ): void {
    this.#inferenceCount += batchSize;
    this.#successCount += 1;
    this.#requestNs += requestNs;
    this.#queueNs += queueNs;
    this.#computeInputNs += computeInputNs;
    this.#computeInferNs += computeInferNs;
    this.#computeOutputNs += computeOutputNs;
    this.latencies?.recordSuccess(
      requestNs,
      queueNs,
      computeInputNs,
      computeInferNs,
      computeOutputNs,
      traceId,
    );
  }

  /** A request that had been taken up ended in an error. */
  recordFailure(reason: FailureReason, requestNs: number): void {
    this.#failureNs += requestNs;
    if (reason === 'REJECTED') this.#rejectedCount += 1;
    else if (reason === 'CANCELED') this.#canceledCount += 1;
    else if (reason === 'BACKEND') this.#backendFailureCount += 1;
    else this.#otherFailureCount += 1;
  }

  /** A batch was executed; `batchSize` is the sum over its requests. Call it once a batch, also when requests of it fail. */
  recordBatch(
    batchSize: number,
    computeInputNs: number,
    computeInferNs: number,
    computeOutputNs: number,
  ): void {
    const nowMs = this.#clock.wallMs();
    if (nowMs > this.#lastInferenceMs) this.#lastInferenceMs = nowMs;
    this.#executionCount += 1;
    let totals = this.#batches.get(batchSize);
    if (totals === undefined) {
      if (this.#batches.size >= batchSizesMax) return;
      totals = { count: 0, computeInputNs: 0, computeInferNs: 0, computeOutputNs: 0 };
      this.#batches.set(batchSize, totals);
    }
    totals.count += 1;
    totals.computeInputNs += computeInputNs;
    totals.computeInferNs += computeInferNs;
    totals.computeOutputNs += computeOutputNs;
  }

  /** A request was answered from the response cache: a success that counts as no inference. */
  recordCacheHit(requestNs: number, queueNs: number, lookupNs: number): void {
    this.#successCount += 1;
    this.#requestNs += requestNs;
    this.#queueNs += queueNs;
    this.#cacheHitCount += 1;
    this.#cacheHitNs += lookupNs;
    this.latencies?.recordCacheHit(requestNs, queueNs, lookupNs);
  }

  /** An executed request had not been in the cache: looking it up and inserting it took this long on top. */
  recordCacheMiss(lookupAndInsertNs: number): void {
    this.#requestNs += lookupAndInsertNs;
    this.#cacheMissCount += 1;
    this.#cacheMissNs += lookupAndInsertNs;
    this.latencies?.recordCacheMiss(lookupAndInsertNs);
  }

  /** An answer of a backend that tells of each; the others never call this. Arguments as `ResponseCounts.record`. */
  recordResponse(index: number, outcome: ResponseOutcome, inferNs: number, outputNs: number): void {
    this.#responses ??= new ResponseCounts();
    this.#responses.record(index, outcome, inferNs, outputNs);
  }

  /** Replaces what the version is known to hold in memory. */
  setMemoryUsage(usage: readonly MemoryUsage[]): void {
    this.#memoryUsage = usage;
  }

  /** The totals since the version was loaded. */
  counters(): ModelCounters {
    return {
      successCount: this.#successCount,
      failureCounts: {
        REJECTED: this.#rejectedCount,
        CANCELED: this.#canceledCount,
        BACKEND: this.#backendFailureCount,
        OTHER: this.#otherFailureCount,
      },
      inferenceCount: this.#inferenceCount,
      executionCount: this.#executionCount,
      requestNs: this.#requestNs,
      queueNs: this.#queueNs,
      computeInputNs: this.#computeInputNs,
      computeInferNs: this.#computeInferNs,
      computeOutputNs: this.#computeOutputNs,
      cacheHitCount: this.#cacheHitCount,
      cacheHitNs: this.#cacheHitNs,
      cacheMissCount: this.#cacheMissCount,
      cacheMissNs: this.#cacheMissNs,
    };
  }

  /** How many batches of each size were executed: size and count, in no order. */
  *batchSizes(): Iterable<readonly [size: number, count: number]> {
    for (const [size, { count }] of this.#batches) yield [size, count];
  }

  /** The statistics as they go onto the wire. */
  snapshot(): ModelStatisticsSnapshot {
    const failureCount =
      this.#rejectedCount +
      this.#canceledCount +
      this.#backendFailureCount +
      this.#otherFailureCount;
    // Triton counts a cache hit as queued but not as computed.
    const computedCount = this.#successCount - this.#cacheHitCount;
    return {
      last_inference: this.#lastInferenceMs,
      inference_count: this.#inferenceCount,
      execution_count: this.#executionCount,
      inference_stats: {
        success: duration(this.#successCount, this.#requestNs),
        fail: duration(failureCount, this.#failureNs),
        queue: duration(this.#successCount, this.#queueNs),
        compute_input: duration(computedCount, this.#computeInputNs),
        compute_infer: duration(computedCount, this.#computeInferNs),
        compute_output: duration(computedCount, this.#computeOutputNs),
        cache_hit: duration(this.#cacheHitCount, this.#cacheHitNs),
        cache_miss: duration(this.#cacheMissCount, this.#cacheMissNs),
      },
      response_stats: this.#responses?.snapshot() ?? {},
      batch_stats: [...this.#batches]
        .sort(([a], [b]) => a - b)
        .map(([batchSize, totals]) => ({
          batch_size: batchSize,
          compute_input: duration(totals.count, totals.computeInputNs),
          compute_infer: duration(totals.count, totals.computeInferNs),
          compute_output: duration(totals.count, totals.computeOutputNs),
        })),
      memory_usage: this.#memoryUsage,
    };
  }
}

/** The wire's durations are unsigned integers, the clock's readings have fractions. */
function duration(count: number, ns: number): DurationStatistics {
  return { count, ns: Math.round(ns) };
}
