import type { BatchQueue, QueuePlace } from './batch-queue.ts';

/** Why a batch was sent when it was. */
export type BatchReason =
  /** Its size is one of the preferred ones, or its only request is larger than all of them. */
  | 'preferred_size'
  /** One more request would exceed every preferred size. */
  | 'next_exceeds_preferred_size'
  /** It is as large as batches may be, or one more request would make it larger. */
  | 'full'
  /** The next request differs in shape or in which inputs it has. */
  | 'not_mergeable'
  /** Its oldest request has waited as long as it may. */
  | 'delay'
  /** So many of an instance's sequences have a request as `minimum_slot_utilization` asks for. */
  | 'slot_utilization'
  /** An instance is idle, and nothing says to wait. */
  | 'idle_instance';

/** Every reason, in the order in which they are told. */
export const batchReasons: readonly BatchReason[] = [
  'preferred_size',
  'next_exceeds_preferred_size',
  'full',
  'not_mergeable',
  'delay',
  'slot_utilization',
  'idle_instance',
];

/** What makes a batch of one model; derived from its configuration once. */
export interface BatchRules<T> {
  /** 1 and up. */
  readonly batchSizeMax: number;
  /** Never empty. */
  readonly preferredSizes: ReadonlySet<number>;
  readonly preferredSizeMax: number;
  /** 0: waits for nothing. */
  readonly delayNs: number;
  readonly sizeOf: (item: T) => number;
  readonly mayJoin: (first: T, next: T) => boolean;
}

/** Either a batch (the first `count` places of the queue), or the time until which to wait for more. */
export type BatchDecision =
  | {
      readonly kind: 'send';
      readonly count: number;
      readonly size: number;
      readonly reason: BatchReason;
    }
  | { readonly kind: 'wait'; readonly untilNs: number };

/**
 * What an idle instance should do with the queue, which must not be empty. Walks the queue in order
 * and never skips a request; the walk ends where a batch is as large as it may be. The rules are
 * Triton's: a preferred size is sent at once, the largest that is there; without one, requests wait
 * for company until the oldest has waited `delayNs`, unless waiting cannot help. After that
 * everything that fits goes.
 */
export function decideBatch<T>(
  queue: BatchQueue<T>,
  rules: BatchRules<T>,
  nowNs: number,
): BatchDecision {
  const { batchSizeMax, preferredSizes, preferredSizeMax, delayNs, sizeOf, mayJoin } = rules;
  const first = queue.first as QueuePlace<T>;
  let count = 0;
  let size = 0;
  let oldestNs = first.enqueuedNs;
  let best: (BatchDecision & { kind: 'send' }) | null = null;
  let closed: BatchReason | null = null;
  for (let place: QueuePlace<T> | null = first; place !== null; place = queue.following(place)) {
    const next = size + sizeOf(place.item);
    if (count > 0) {
      if (next > preferredSizeMax && best === null) {
        best = { kind: 'send', count, size, reason: 'next_exceeds_preferred_size' };
      }
      if (next > batchSizeMax) closed = 'full';
      else if (!mayJoin(first.item, place.item)) closed = 'not_mergeable';
      if (closed !== null) break;
    }
    count++;
    size = next;
    oldestNs = Math.min(oldestNs, place.enqueuedNs);
    if (preferredSizes.has(size)) {
      best = { kind: 'send', count, size, reason: 'preferred_size' };
    }
    if (size >= batchSizeMax) {
      closed = 'full';
      break;
    }
  }
  // The same sum as the time until which is waited: a difference may be rounded to another side of it.
  const late = delayNs > 0 && nowNs >= oldestNs + delayNs;
  if (best !== null && !late) {
    return best.size >= batchSizeMax ? { ...best, reason: 'full' } : best;
  }
  const send = (reason: BatchReason): BatchDecision => ({ kind: 'send', count, size, reason });
  if (closed !== null) return send(closed);
  if (late) return send('delay');
  if (size >= preferredSizeMax) return send('preferred_size');
  if (delayNs === 0) return send('idle_instance');
  return { kind: 'wait', untilNs: oldestNs + delayNs };
}
