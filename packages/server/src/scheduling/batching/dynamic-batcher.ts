import type { ModelConfig, ModelDynamicBatching } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { Logger } from '../../core/logger.ts';
import { QueueFullError } from '../../core/queue-full-error.ts';
import type { ModelStatistics } from '../../observability/model-statistics.ts';
import { AnswerOrder } from '../answer-order.ts';
import { endBatch } from '../end-batch.ts';
import { ExpiryTimer } from '../expiry-timer.ts';
import { IdleInstances, type InstanceUser } from '../idle-instances.ts';
import {
  queueRequestsMaxDefault,
  type ScheduledRequest,
  timeoutError,
} from '../scheduled-request.ts';
import { systemTurn, type Turn } from '../turn.ts';
import { AdaptiveBatching } from './adaptive/adaptive-batching.ts';
import type { AdaptiveSettings } from './adaptive/adaptive-settings.ts';
import { BatchCounters, type BatchingReport } from './batch-counters.ts';
import { type BatchReason, type BatchRules, decideBatch } from './batch-decision.ts';
import { BatchQueue, type QueuePlace } from './batch-queue.ts';
import { Crowd } from './crowd.ts';
import { mayMergeOf } from './mergeable-requests.ts';
import { QueueAlarm } from './queue-alarm.ts';

/** Batches that run on the event loop take no more of one turn than this, and the one that exceeds it. */
const turnNsMax = 1_000_000;

/** Turns with one request each after which the next one is run at once. */
const loneTurnsMin = 8;

export interface DynamicBatcherOptions {
  readonly modelName: string;
  readonly config: ModelConfig;
  readonly batching: ModelDynamicBatching;
  readonly instances: readonly BackendInstance[];
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly turn?: Turn;
  readonly queueRequestsMax?: number;
  /** Batchers that are told of together share them. */
  readonly counters?: BatchCounters;
  /** For a model that learns how to batch. */
  readonly adaptive?: AdaptiveSettings | null;
  /** For tests of clients: the first batch waits until so many requests do, and so do their time-outs. */
  readonly startAtRequests?: number;
}

/**
 * Joins requests into batches for whichever instance is idle, as `dynamic_batching` says. What came
 * in one turn of the event loop is looked at when the turn ends, so that requests of several clients
 * meet even if the model runs on the event loop and its instance is never found busy. A client that
 * has been alone for some turns is not kept waiting for that.
 */
export class DynamicBatcher implements InstanceUser {
  readonly #modelName: string;
  readonly #statistics: ModelStatistics;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #turn: Turn;
  readonly #queueRequestsMax: number;
  readonly #queue: BatchQueue<ScheduledRequest>;
  readonly #rules: BatchRules<ScheduledRequest>;
  /** Null for a model whose configuration says how to batch. */
  readonly #adaptive: AdaptiveBatching<ScheduledRequest> | null;
  readonly #crowd = new Crowd();
  readonly #order: AnswerOrder | null;
  readonly #counters: BatchCounters;
  readonly #delayAlarm: QueueAlarm;
  readonly #expiryTimer: ExpiryTimer;
  readonly #idle: IdleInstances;
  /** Batches that instances run. */
  #running = 0;
  /** Nothing is sent until so many wait; 0 once they did. */
  #startAtRequests: number;
  #lookIsDue = false;
  /** Requests that came since a turn was last seen to end. */
  #arrivals = 0;
  /** Turns in a row in which one request came, and none while it ran. */
  #loneTurns = 0;
  /** Requests that wait or run. */
  #inflight = 0;

  constructor(options: DynamicBatcherOptions) {
    const { config, batching, clock } = options;
    this.#modelName = options.modelName;
    this.#statistics = options.statistics;
    this.#clock = clock;
    this.#counters = options.counters ?? new BatchCounters();
    this.#logger = options.logger;
    this.#turn = options.turn ?? systemTurn;
    this.#queueRequestsMax = options.queueRequestsMax ?? queueRequestsMaxDefault;
    this.#startAtRequests = options.startAtRequests ?? 0;
    this.#idle = new IdleInstances(options.instances);
    this.#rules = batchRulesOf(config, batching);
    const adaptive = options.adaptive ?? null;
    this.#adaptive =
      adaptive === null ? null : new AdaptiveBatching(this.#rules, this.#crowd, adaptive);
    this.#order = batching.preserve_ordering ? new AnswerOrder() : null;
    this.#queue = new BatchQueue({
      levelCount: Number(batching.priority_levels),
      defaultLevel: Number(batching.default_priority_level),
      defaultPolicy: batching.default_queue_policy,
      levelPolicies: batching.priority_queue_policy,
    });
    this.#delayAlarm = new QueueAlarm(clock, this.#turn, () => this.#dispatch());
    this.#expiryTimer = new ExpiryTimer(clock, () => this.#expire());
  }

  get pendingCount(): number {
    return this.#queue.length;
  }

  batchingReport(): BatchingReport {
    const report = this.#counters.report(this.#queue.length);
    return this.#adaptive === null ? report : { ...report, adaptive: this.#adaptive.report() };
  }

  /** Counts a request that is about to be added, or refused. */
  enter({ batchSize }: InferRequest): void {
    this.#inflight++;
    this.#crowd.entered(batchSize);
  }

  /** Counts a request out: once for each that entered, when its answer is out or it has gone. */
  leave({ batchSize }: InferRequest): void {
    this.#inflight--;
    this.#crowd.left(batchSize);
  }

  /** Takes a request that has entered. */
  add(scheduled: ScheduledRequest): void {
    this.#arrivals++;
    if (this.#inflight > 1) this.#loneTurns = 0;
    if (this.#idle.length > 0) this.#lookAtEndOfTurn();
    const { request } = scheduled;
    if (this.#mayRunAtOnce() && !request.cancellation.cancelled) {
      this.#recordDecision(1, request.batchSize, 'idle_instance');
      this.#run(this.#idle.pop() as BackendInstance, [scheduled], request.batchSize);
    } else {
      this.#wait(scheduled);
    }
  }

  /** Takes a request out that waits. @returns False when it does not wait here. */
  remove(scheduled: ScheduledRequest): boolean {
    const { place } = scheduled;
    if (place === null) return false;
    this.#queue.remove(place);
    scheduled.place = null;
    // Those behind it may fit together now.
    if (this.#queue.length > 0 && this.#idle.length > 0) this.#lookAtEndOfTurn();
    return true;
  }

  /** @inheritdoc */
  replaceInstances(instances: readonly BackendInstance[]): Promise<void> {
    const left = this.#idle.replace(instances);
    if (this.#queue.length > 0 && this.#idle.length > 0) this.#lookAtEndOfTurn();
    return left;
  }

  /** Lets go of those that are held back for a test. */
  stop(): void {
    if (this.#startAtRequests === 0) return;
    this.#startAtRequests = 0;
    this.#lookAtEndOfTurn();
  }

  /** Nothing comes any more: a timer for requests that are long gone would keep all this. */
  close(): void {
    this.#expiryTimer.set(null);
  }

  /** A client alone, for whom nothing would be waited for: the queue would change nothing. */
  #mayRunAtOnce(): boolean {
    return (
      this.#loneTurns >= loneTurnsMin &&
      this.#arrivals === 1 &&
      this.#queue.length === 0 &&
      this.#idle.length > 0 &&
      this.#rules.delayNs === 0 &&
      this.#order === null &&
      this.#startAtRequests === 0
    );
  }

  #holdsBack(): boolean {
    if (this.#queue.length < this.#startAtRequests) return true;
    this.#startAtRequests = 0;
    return false;
  }

  #wait(scheduled: ScheduledRequest): void {
    const { priority, timeoutUs } = scheduled.request.parameters;
    const place =
      this.#queue.length >= this.#queueRequestsMax
        ? null
        : this.#queue.push(scheduled, priority, timeoutUs, scheduled.queueStartNs);
    if (place === null) {
      scheduled.reject('REJECTED', new QueueFullError());
      return;
    }
    scheduled.place = place;
    scheduled.watchCancellation();
    if (place.deadlineNs > 0) this.#expiryTimer.set(this.#queue.nextDeadlineNs);
  }

  /** What comes in one turn is decided upon together. */
  #lookAtEndOfTurn(): void {
    if (this.#lookIsDue) return;
    this.#lookIsDue = true;
    this.#turn.atEnd(() => {
      this.#lookIsDue = false;
      if (this.#arrivals > 1) this.#loneTurns = 0;
      else if (this.#arrivals === 1) this.#loneTurns++;
      this.#arrivals = 0;
      if (this.#queue.length > 0) this.#dispatch();
    });
  }

  /** Gives idle instances what is ready for them, and sees to it that what is not is looked at in time. */
  #dispatch(): void {
    if (this.#holdsBack()) return;
    const startNs = this.#clock.nowNs();
    let nowNs = startNs;
    this.#rejectExpired(nowNs);
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      const decision =
        this.#adaptive === null
          ? decideBatch(this.#queue, this.#rules, nowNs)
          : this.#adaptive.decide(this.#queue, nowNs, this.#idle.length);
      if (decision.kind === 'wait') {
        this.#delayAlarm.set(decision.untilNs);
        return;
      }
      const batch = this.#take(decision.count);
      this.#recordDecision(batch.length, decision.size, decision.reason);
      this.#run(this.#idle.pop() as BackendInstance, batch, decision.size);
      nowNs = this.#clock.nowNs();
      if (nowNs - startNs > turnNsMax && this.#queue.length > 0) {
        this.#lookAtEndOfTurn();
        break;
      }
    }
    this.#delayAlarm.cancel();
  }

  #take(count: number): ScheduledRequest[] {
    const batch: ScheduledRequest[] = [];
    for (let i = 0; i < count; i++) {
      const place = this.#queue.first as QueuePlace<ScheduledRequest>;
      const scheduled = place.item;
      this.#queue.remove(place);
      scheduled.place = null;
      scheduled.unwatchCancellation();
      const order = this.#order;
      if (order !== null) scheduled.divert((sink) => order.inTurn(sink));
      batch.push(scheduled);
    }
    return batch;
  }

  #run(instance: BackendInstance, batch: readonly ScheduledRequest[], batchSize: number): void {
    const startNs = this.#adaptive === null ? 0 : this.#clock.nowNs();
    this.#crowd.batchSent();
    const running = ++this.#running;
    const work = instance.execute(batch);
    if (work === null) {
      this.#finish(batch, { size: batchSize, startNs, running, inline: true });
      this.#idle.push(instance);
      return;
    }
    void work.then(() => {
      this.#finish(batch, { size: batchSize, startNs, running, inline: false });
      this.#idle.push(instance);
      if (this.#queue.length > 0) this.#lookAtEndOfTurn();
    });
  }

  #finish(batch: readonly ScheduledRequest[], { size, startNs, running, inline }: BegunRun): void {
    endBatch(batch, size, this.#statistics);
    const instances = (running + this.#running--) / 2;
    if (this.#adaptive === null) return;
    // Without its answers, which count for runs on the event loop and not for those on threads.
    const endNs = batch.reduce((latest, { computeEndNs }) => Math.max(latest, computeEndNs), 0);
    if (endNs > 0) this.#adaptive.learn({ size, startNs, endNs, instances, inline });
  }

  #expire(): void {
    if (this.#holdsBack()) return;
    this.#rejectExpired(this.#clock.nowNs());
    if (this.#queue.length > 0 && this.#idle.length > 0) this.#lookAtEndOfTurn();
  }

  #rejectExpired(nowNs: number): void {
    const nextNs = this.#queue.nextDeadlineNs;
    if (nextNs === null) return;
    if (nextNs <= nowNs) {
      for (const scheduled of this.#queue.expire(nowNs)) {
        scheduled.place = null;
        scheduled.unwatchCancellation();
        scheduled.reject('REJECTED', timeoutError());
      }
    }
    this.#expiryTimer.set(this.#queue.nextDeadlineNs);
  }

  #recordDecision(requestCount: number, batchSize: number, reason: BatchReason): void {
    this.#counters.record(requestCount, batchSize, reason);
    if (!this.#logger.isVerbose(1)) return;
    this.#logger.verbose(
      1,
      `model '${this.#modelName}': batch of ${batchSize} from ${requestCount} requests (${reason}), ${this.#queue.length} wait`,
    );
  }
}

/** A batch that was given to an instance. */
interface BegunRun {
  readonly size: number;
  /** 0 where nothing is learned from it. */
  readonly startNs: number;
  /** Batches that were run then, this one included. */
  readonly running: number;
  readonly inline: boolean;
}

function batchRulesOf(
  config: ModelConfig,
  batching: ModelDynamicBatching,
): BatchRules<ScheduledRequest> {
  const batchSizeMax = Math.max(1, config.max_batch_size);
  const sizes = batching.preferred_batch_size;
  const preferredSizes = new Set(sizes.length === 0 ? [batchSizeMax] : sizes);
  const mayMerge = mayMergeOf(config);
  return {
    batchSizeMax,
    preferredSizes,
    preferredSizeMax: Math.max(...preferredSizes),
    delayNs: Number(batching.max_queue_delay_microseconds) * 1000,
    sizeOf: (scheduled) => scheduled.request.batchSize,
    mayJoin: (first, next) => mayMerge(first.request, next.request),
  };
}
