import type { ModelQueuePolicy } from '@nereid/protocol';
import { type Deadlined, DeadlineHeap } from '../deadline-heap.ts';

/** One waiting item: a link of its level's list. The queue owns it until it is taken or removed. */
export interface QueuePlace<T> extends Deadlined {
  readonly item: T;
  readonly level: PriorityLevel<T>;
  /** `Clock.nowNs` when it came. */
  readonly enqueuedNs: number;
  /** When its queue policy acts on it; 0 is never. */
  readonly deadlineNs: number;
  /** Its time was up and its policy is DELAY: it comes after those of its level whose time is not. */
  delayed: boolean;
  before: QueuePlace<T> | null;
  after: QueuePlace<T> | null;
}

/** What waits at one priority level: first those in time, then those that are late. */
interface PriorityLevel<T> {
  readonly number: number;
  readonly policy: ModelQueuePolicy | null;
  readonly inTime: PlaceList<T>;
  readonly late: PlaceList<T>;
}

/** Which levels there are and what holds in each; as `dynamic_batching` says it. */
export interface QueuePolicies {
  /** 0: there is one level, and what requests ask for does not matter. */
  readonly levelCount: number;
  readonly defaultLevel: number;
  readonly defaultPolicy: ModelQueuePolicy | null;
  /** By level (decimal); has no meaning without levels. */
  readonly levelPolicies: ReadonlyMap<string, ModelQueuePolicy>;
}

/** Levels without waiting requests that are kept for the next one. */
const idleLevelsMax = 64;

/**
 * Requests that wait to be batched. Order: by priority level, 1 first; in a level the order in which
 * they came, but those that are late under the policy DELAY after the others. Walk it by `first` and
 * `following`. Adding and removing take constant time, logarithmic with timeouts.
 */
export class BatchQueue<T> {
  readonly #policies: QueuePolicies;
  /** Ascending by number. */
  readonly #levels: PriorityLevel<T>[] = [];
  readonly #deadlines = new DeadlineHeap<QueuePlace<T>>();
  #length = 0;

  constructor(policies: QueuePolicies) {
    this.#policies = policies;
  }

  get length(): number {
    return this.#length;
  }

  /** When a waiting request's time is up next; null is never. */
  get nextDeadlineNs(): number | null {
    return this.#deadlines.next?.deadlineNs ?? null;
  }

  /**
   * @param priority As the request says: 0, or more than there are levels, is the default level.
   * @param timeoutUs The request's own; 0 is none. Counts where the policy lets it, and only below
   *   the policy's own, which therefore must be there.
   * @returns null when the level is full.
   */
  push(
    item: T,
    priority: number | bigint,
    timeoutUs: number | bigint,
    nowNs: number,
  ): QueuePlace<T> | null {
    const level = this.#level(this.#levelNumber(priority));
    const { policy, inTime, late } = level;
    const sizeMax = policy?.max_queue_size ?? 0;
    if (sizeMax > 0 && inTime.length + late.length >= sizeMax) return null;
    const deadlineNs = policy === null ? 0 : deadlineOf(policy, timeoutUs, nowNs);
    const place: QueuePlace<T> = {
      item,
      level,
      enqueuedNs: nowNs,
      deadlineNs,
      heapIndex: -1,
      delayed: false,
      before: null,
      after: null,
    };
    inTime.append(place);
    if (deadlineNs > 0) this.#deadlines.add(place);
    this.#length++;
    return place;
  }

  /** A place may be removed once only. */
  remove(place: QueuePlace<T>): void {
    (place.delayed ? place.level.late : place.level.inTime).remove(place);
    this.#deadlines.remove(place);
    this.#length--;
    this.#forgetIdleLevel(place.level);
  }

  /** Acts on those whose time is up: the late go behind the others, or out of the queue and into the result. */
  expire(nowNs: number): T[] {
    const rejected: T[] = [];
    for (;;) {
      const place = this.#deadlines.next;
      if (place === null || place.deadlineNs > nowNs) return rejected;
      if (place.level.policy?.timeout_action === 'DELAY') {
        this.#deadlines.remove(place);
        place.level.inTime.remove(place);
        place.delayed = true;
        place.level.late.append(place);
      } else {
        this.remove(place);
        rejected.push(place.item);
      }
    }
  }

  get first(): QueuePlace<T> | null {
    return this.#length === 0 ? null : this.#firstFrom(0);
  }

  following(place: QueuePlace<T>): QueuePlace<T> | null {
    if (place.after !== null) return place.after;
    if (!place.delayed && place.level.late.first !== null) return place.level.late.first;
    return this.#firstFrom(this.#levels.indexOf(place.level) + 1);
  }

  #firstFrom(index: number): QueuePlace<T> | null {
    for (let i = index; i < this.#levels.length; i++) {
      const { inTime, late } = this.#levels[i] as PriorityLevel<T>;
      const place = inTime.first ?? late.first;
      if (place !== null) return place;
    }
    return null;
  }

  #levelNumber(priority: number | bigint): number {
    const { levelCount, defaultLevel } = this.#policies;
    const asked = Number(priority);
    return asked === 0 || asked > levelCount ? defaultLevel : asked;
  }

  #level(number: number): PriorityLevel<T> {
    const index = this.#levels.findIndex((level) => level.number >= number);
    const found = this.#levels[index];
    if (found?.number === number) return found;
    const { levelCount, defaultPolicy, levelPolicies } = this.#policies;
    const own = levelCount > 0 ? levelPolicies.get(String(number)) : undefined;
    const level: PriorityLevel<T> = {
      number,
      policy: own ?? defaultPolicy,
      inTime: new PlaceList(),
      late: new PlaceList(),
    };
    this.#levels.splice(index < 0 ? this.#levels.length : index, 0, level);
    return level;
  }

  /** A model may have any number of levels. */
  #forgetIdleLevel(level: PriorityLevel<T>): void {
    if (this.#levels.length <= idleLevelsMax) return;
    if (level.inTime.length + level.late.length > 0) return;
    this.#levels.splice(this.#levels.indexOf(level), 1);
  }
}

/** A list whose links are the places themselves. */
class PlaceList<T> {
  first: QueuePlace<T> | null = null;
  length = 0;
  #last: QueuePlace<T> | null = null;

  append(place: QueuePlace<T>): void {
    place.before = this.#last;
    place.after = null;
    if (this.#last === null) this.first = place;
    else this.#last.after = place;
    this.#last = place;
    this.length++;
  }

  remove(place: QueuePlace<T>): void {
    if (place.before === null) this.first = place.after;
    else place.before.after = place.after;
    if (place.after === null) this.#last = place.before;
    else place.after.before = place.before;
    place.before = null;
    place.after = null;
    this.length--;
  }
}

function deadlineOf(policy: ModelQueuePolicy, timeoutUs: number | bigint, nowNs: number): number {
  let us = Number(policy.default_timeout_microseconds);
  const own = Number(timeoutUs);
  if (policy.allow_timeout_override && own > 0 && own < us) us = own;
  return us > 0 ? nowNs + us * 1000 : 0;
}
