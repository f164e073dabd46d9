import type { AdaptiveSettings } from './adaptive-settings.ts';
import { BatchCosts } from './batch-costs.ts';
import { type BatchDecision, type BatchRules, decideBatch } from './batch-decision.ts';
import type { BatchQueue, QueuePlace } from './batch-queue.ts';
import type { Crowd } from './crowd.ts';
import { SizeTrial } from './size-trial.ts';

/** To wait for less than this is not worth the turns of the event loop that it takes. */
const worthwhileNs = 20_000;

/** Batches between two trials of another size, so that a change is seen. Four times as many while the best one stays the best. */
const trialIntervalMin = 8;
const trialIntervalMax = 4096;

/** Batches between two trials where another size took clearly less. */
const doubtIntervalMin = 32;

/** Batches that are sent without waiting after waits in vain, at most. */
const unwaitedMax = 1024;

/** Share of its time that an instance may lose when instances that are idle share what waits. */
const sharingLossMax = 0.05;

/** What adaptive batching knows and did, as `GET /v2/models/{model}/batching` tells it. */
export interface AdaptiveReport {
  /** The size with the most items a second, of those that are allowed and known; null while none is. */
  readonly best_batch_size: number | null;
  /** Times that it waited for company, and those in which the company did not come. */
  readonly wait_count: number;
  readonly vain_wait_count: number;
  /** Ascending by size; `usual_us` is for how long a batch of about that size keeps an instance busy where nothing disturbs it. */
  readonly costs: readonly { readonly batch_size: number; readonly usual_us: number }[];
}

/** A wait that goes on: sent at this size, or at this time. */
interface Wait {
  readonly size: number;
  readonly untilNs: number;
}

/**
 * Chooses sizes and waits by what runs are measured to cost. Sizes: the one with the most items a
 * second, approached from below by doubling, with another one tried now and then. Waits: only for items
 * that were there of late, and for no longer than it would cost to run them apart from those that are
 * here; waits in vain make it wait less often. With a latency target, a batch takes half of it at most,
 * since a request may have to wait for one before its own, and nothing waits beyond it.
 */
export class AdaptiveBatching<T> {
  readonly #rules: BatchRules<T>;
  readonly #crowd: Crowd;
  readonly #targetNs: number | null;
  readonly #costs = new BatchCosts();
  #wait: Wait | null = null;
  #waitCount = 0;
  #vainWaitCount = 0;
  /** Batches to send without waiting, and how many the next wait in vain makes it. */
  #unwaited = 0;
  #unwaitedNext = 1;
  #best = 1;
  /** The last run was on the event loop. */
  #inline = false;
  #trial: SizeTrial | null = null;
  /** Batches of the best size since the last trial. */
  #sinceTrial = 0;
  #trialInterval = trialIntervalMin;
  #tryUp = false;
  /** No size was found to be worse than the one below it yet. */
  #climbing = true;

  /**
   * @param rules Of which the largest size and what merges count; sizes and waits are chosen here.
   * @param crowd Kept by the scheduler.
   */
  constructor(rules: BatchRules<T>, crowd: Crowd, settings: AdaptiveSettings) {
    this.#rules = rules;
    this.#crowd = crowd;
    this.#targetNs = settings.latencyTargetNs;
  }

  /** What an idle instance should do with the queue, which must not be empty. */
  decide(queue: BatchQueue<T>, nowNs: number, idleCount: number): BatchDecision {
    const first = queue.first as QueuePlace<T>;
    const own = this.#rules.sizeOf(first.item);
    const size = this.#shared(this.#size(), queue.length * own, idleCount);
    const decision = decideBatch(
      queue,
      {
        ...this.#rules,
        batchSizeMax: Math.max(size, own),
        preferredSizes: new Set([size]),
        preferredSizeMax: size,
      },
      nowNs,
    );
    if (decision.kind === 'wait') return decision;
    if (decision.reason === 'idle_instance') {
      const untilNs = this.#waitUntil(decision.size, size, first.enqueuedNs, nowNs);
      if (untilNs !== null) return { kind: 'wait', untilNs };
    }
    return this.#send(decision);
  }

  /**
   * @param elapsedNs For how long the batch kept its instance busy.
   * @param inline It ran on the event loop, where nothing runs beside it.
   */
  learn(size: number, elapsedNs: number, inline: boolean): void {
    this.#inline = inline;
    this.#costs.learn(size, elapsedNs);
    this.#trial?.learn(size, elapsedNs);
    this.#endTrial();
    this.#beginTrial(size);
  }

  #endTrial(): void {
    const winner = this.#trial?.winner ?? null;
    if (winner === null) return;
    const isNew = winner !== this.#best;
    this.#trial = null;
    this.#sinceTrial = 0;
    this.#trialInterval = isNew
      ? trialIntervalMin
      : Math.min(trialIntervalMax, 4 * this.#trialInterval);
    if (!isNew) this.#climbing = false;
    this.#best = winner;
  }

  /** Finds out whether another size is better: at once while sizes become better by doubling, later now and then. */
  #beginTrial(size: number): void {
    if (this.#trial !== null) return;
    // With a latency target nothing is tried of which it cannot be said what it may take.
    if (this.#targetNs !== null && this.#costs.largestKnown === 0) return;
    const { batchSizeMax } = this.#rules;
    if (this.#best >= batchSizeMax) this.#climbing = false;
    if (size >= this.#best) this.#sinceTrial++;
    const candidate = Math.min(this.#dueCandidate(), batchSizeMax);
    if (candidate === 0) return;
    this.#sinceTrial = 0;
    if (candidate === this.#best) return;
    this.#trial = new SizeTrial(this.#best, candidate, this.#climbing);
  }

  /** The size to be tried now; 0 for none. */
  #dueCandidate(): number {
    if (!this.#climbing && this.#sinceTrial >= doubtIntervalMin) {
      // What is the best in good moments may be bad in most, as where its runs are on threads.
      const cheaper = this.#costs.clearlyCheaper(this.#best, this.#rules.batchSizeMax);
      if (cheaper !== null) return cheaper;
    }
    return this.#climbing || this.#sinceTrial >= this.#trialInterval ? this.#candidate() : 0;
  }

  /** In turn a larger size, and the one that looks best or, where that is the present one, a smaller size. */
  #candidate(): number {
    this.#tryUp = !this.#tryUp;
    if (this.#climbing || this.#tryUp) return 2 * this.#best;
    const looksBest = this.#costs.bestSize(this.#rules.batchSizeMax) ?? this.#best;
    return looksBest === this.#best ? Math.ceil(this.#best / 2) : looksBest;
  }

  report(): AdaptiveReport {
    return {
      best_batch_size: this.#costs.bestSize(this.#rules.batchSizeMax),
      wait_count: this.#waitCount,
      vain_wait_count: this.#vainWaitCount,
      costs: this.#costs.report().map(({ size, usualNs }) => ({
        batch_size: Math.round(size),
        usual_us: Math.round(usualNs / 1000),
      })),
    };
  }

  /** The size to aim at: the best one, or another that is compared with it. */
  #size(): number {
    const size = this.#trial?.size ?? this.#best;
    if (this.#targetNs === null || this.#costs.largestKnown === 0) return size;
    return this.#inTime(size, this.#targetNs);
  }

  #inTime(size: number, targetNs: number): number {
    let allowed = size;
    while (allowed > 1 && (this.#costs.highNs(allowed) ?? 0) > targetNs / 2) {
      allowed = Math.floor(allowed * 0.75);
    }
    return allowed;
  }

  /** Idle instances share what waits, where joining it would save nothing. */
  #shared(size: number, waiting: number, idleCount: number): number {
    if (idleCount < 2 || this.#inline) return size;
    const share = Math.ceil(waiting / idleCount);
    if (share >= size) return size;
    const joined = this.#costs.usualNs(Math.min(size, waiting));
    const apart = this.#costs.usualNs(share);
    if (joined === null || apart === null) return size;
    const perItem = joined / Math.min(size, waiting);
    return apart / share <= (1 + sharingLossMax) * perItem ? share : size;
  }

  /** Until when to wait for more than the items that are here; null to send them. */
  #waitUntil(here: number, size: number, oldestNs: number, nowNs: number): number | null {
    if (this.#wait !== null) {
      return here >= this.#wait.size || nowNs >= this.#wait.untilNs ? null : this.#wait.untilNs;
    }
    const aim = Math.min(size, here + this.#crowd.missing);
    if (this.#unwaited > 0 || aim <= here) return null;
    const joined = this.#costs.usualNs(aim) ?? 0;
    const apart = (this.#costs.usualNs(here) ?? 0) + (this.#costs.usualNs(aim - here) ?? 0);
    let untilNs = nowNs + apart - joined;
    if (this.#targetNs !== null) {
      const latestNs = oldestNs + this.#targetNs - (this.#costs.highNs(aim) ?? 0);
      untilNs = Math.min(untilNs, latestNs);
    }
    if (untilNs - nowNs < worthwhileNs) return null;
    this.#wait = { size: aim, untilNs };
    this.#waitCount++;
    return untilNs;
  }

  #send(decision: BatchDecision & { kind: 'send' }): BatchDecision {
    const wait = this.#wait;
    this.#wait = null;
    if (this.#unwaited > 0) this.#unwaited--;
    if (wait === null) return this.#named(decision);
    if (decision.size >= wait.size) {
      this.#unwaitedNext = 1;
      return this.#named(decision);
    }
    this.#vainWaitCount++;
    this.#unwaited = this.#unwaitedNext;
    this.#unwaitedNext = Math.min(unwaitedMax, 2 * this.#unwaitedNext);
    return { ...decision, reason: 'delay' };
  }

  /** The aim of this object is not the largest size that there may be. */
  #named(decision: BatchDecision & { kind: 'send' }): BatchDecision {
    return decision.reason === 'full' && decision.size < this.#rules.batchSizeMax
      ? { ...decision, reason: 'preferred_size' }
      : decision;
  }
}
