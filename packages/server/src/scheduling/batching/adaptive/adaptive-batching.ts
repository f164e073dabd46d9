import { type BatchDecision, type BatchRules, decideBatch } from '../batch-decision.ts';
import type { BatchQueue, QueuePlace } from '../batch-queue.ts';
import type { Crowd } from '../crowd.ts';
import type { AdaptiveSettings } from './adaptive-settings.ts';
import { BatchCosts } from './batch-costs.ts';
import type { BatchRun } from './batch-run.ts';
import { SizeSearch } from './size-search.ts';

/** To wait for less than this is not worth the turns of the event loop that it takes. */
const worthwhileNs = 20_000;

/**
 * Nor is it for less than this share of what the joined batch takes: sizes that seldom come about run after idling, which
 * takes longer, so that joining seems to save something where it does not.
 */
const worthwhileShare = 0.3;

/** Batches that are sent without waiting after waits in vain, at most. */
const unwaitedMax = 1024;

/** Share of its time that an instance may lose when instances that are idle share what waits. */
const sharingLossMax = 0.05;

/** Share of the items for which a size is searched for below which it no longer is: clients on their way are seldom all in flight at once. */
const keptShare = 0.75;

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
 * second, searched for apart for each doubling of the items in flight. Waits: only for items
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
  /** By the power of two of the items in flight. */
  readonly #searches: (SizeSearch | undefined)[] = [];
  /** Of the search that goes on. */
  #searchIndex = 0;
  /** By size. */
  readonly #rulesBySize: (BatchRules<T> | undefined)[] = [];
  /** The last run was on the event loop. */
  #inline = false;

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
    // A single request may be larger than the size.
    const rules = this.#rulesOf(size);
    const decision = decideBatch(
      queue,
      own > size ? { ...rules, batchSizeMax: own } : rules,
      nowNs,
    );
    if (decision.kind === 'wait') return decision;
    if (decision.reason === 'idle_instance') {
      const untilNs = this.#waitUntil(decision.size, size, first.enqueuedNs, nowNs);
      if (untilNs !== null) return { kind: 'wait', untilNs };
    }
    return this.#send(decision);
  }

  #rulesOf(size: number): BatchRules<T> {
    this.#rulesBySize[size] ??= {
      ...this.#rules,
      batchSizeMax: size,
      preferredSizes: new Set([size]),
      preferredSizeMax: size,
    };
    return this.#rulesBySize[size];
  }

  learn(run: BatchRun): void {
    this.#inline = run.inline;
    this.#costs.learn(run.size, run.endNs - run.startNs);
    // With a latency target nothing is tried of which it cannot be said what it may take.
    const mayTry = this.#targetNs === null || this.#costs.largestKnown > 0;
    this.#search().learn(run, this.#reach, this.#crowd.size, mayTry);
  }

  /** The largest size that can come. */
  get #reach(): number {
    return Math.max(1, Math.min(this.#rules.batchSizeMax, this.#crowd.size));
  }

  /** The search for as many items in flight as there are; it begins with what those for fewer or for more found. */
  #search(): SizeSearch {
    this.#followItems(this.#reach);
    const index = this.#searchIndex;
    const known = this.#searches[index];
    if (known !== undefined) return known;
    const below = this.#searches.slice(0, index).findLast((search) => search !== undefined);
    const above = this.#searches.slice(index + 1).find((search) => search !== undefined);
    const start = below?.best ?? Math.min(above?.best ?? 1, this.#reach);
    const search = new SizeSearch(this.#costs, start, below !== undefined || above === undefined);
    this.#searches[index] = search;
    return search;
  }

  /** Goes on with the search for so many items, which are fewer by a quarter before they count as fewer. */
  #followItems(items: number): void {
    while (items >= 2 ** (this.#searchIndex + 1)) this.#searchIndex++;
    while (items < keptShare * 2 ** this.#searchIndex) this.#searchIndex--;
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
    const { size } = this.#search();
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
    if (untilNs - nowNs < Math.max(worthwhileNs, worthwhileShare * joined)) return null;
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
