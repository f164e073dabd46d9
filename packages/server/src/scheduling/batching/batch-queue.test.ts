import type { ModelQueuePolicy } from '@nereid/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchQueue, type QueuePlace } from './batch-queue.ts';

const us = 1000;

function policy(action: 'REJECT' | 'DELAY', timeoutUs: number): ModelQueuePolicy {
  return {
    timeout_action: action,
    default_timeout_microseconds: timeoutUs,
    allow_timeout_override: true,
    max_queue_size: 0,
  };
}

function walk<T>(queue: BatchQueue<T>): T[] {
  const items: T[] = [];
  for (let place = queue.first; place !== null; place = queue.following(place)) {
    items.push(place.item);
  }
  return items;
}

describe('BatchQueue', () => {
  it('has an order by level, then in time before late, then by arrival', () => {
    const queue = new BatchQueue<string>({
      levelCount: 3,
      defaultLevel: 2,
      defaultPolicy: policy('DELAY', 100),
      levelPolicies: new Map(),
    });
    queue.push('late b', 2, 10, 0);
    queue.push('b', 0, 0, 0);
    queue.push('c', 3, 0, 0);
    queue.push('late a', 1, 20, 0);
    expect(queue.nextDeadlineNs).toBe(10 * us);
    expect(queue.expire(20 * us)).toEqual([]);
    queue.push('a', 1, 0, 20 * us);
    expect(walk(queue)).toEqual(['a', 'late a', 'b', 'late b', 'c']);
    expect(queue.nextDeadlineNs).toBe(100 * us);
  });

  it('keeps no level for every number that ever came', () => {
    const queue = new BatchQueue<number>({
      levelCount: 1e9,
      defaultLevel: 1,
      defaultPolicy: null,
      levelPolicies: new Map(),
    });
    const places = Array.from({ length: 5000 }, (_, i) => queue.push(i, 5000 - i, 0, 0));
    expect(walk(queue).slice(0, 3)).toEqual([4999, 4998, 4997]);
    for (const place of places) queue.remove(place as QueuePlace<number>);
    expect([queue.length, queue.first]).toEqual([0, null]);
    queue.push(1, 1, 0, 0);
    expect(walk(queue)).toEqual([1]);
  });

  it('behaves as a sorted array does, whatever the order of operations', () => {
    const operation = fc.oneof(
      fc.record({
        kind: fc.constant('push' as const),
        level: fc.integer({ min: 1, max: 3 }),
        timeoutUs: fc.integer({ min: 1, max: 60 }),
      }),
      fc.record({ kind: fc.constant('remove' as const), index: fc.nat(20) }),
      fc.record({ kind: fc.constant('expire' as const), afterUs: fc.nat(30) }),
    );
    const property = fc.property(fc.array(operation, { maxLength: 100 }), (operations) => {
      const queue = new BatchQueue<number>({
        levelCount: 3,
        defaultLevel: 1,
        defaultPolicy: policy('REJECT', 1000),
        levelPolicies: new Map([['2', policy('DELAY', 1000)]]),
      });
      let model: { id: number; level: number; dueNs: number; lateRank: number; place: Place }[] =
        [];
      type Place = QueuePlace<number>;
      let nowNs = 0;
      let lateCount = 0;
      for (const [id, step] of operations.entries()) {
        if (step.kind === 'push') {
          const place = queue.push(id, step.level, step.timeoutUs, nowNs) as Place;
          const dueNs = nowNs + step.timeoutUs * us;
          model.push({ id, level: step.level, dueNs, lateRank: 0, place });
        } else if (step.kind === 'remove') {
          const [removed] = model.splice(step.index, 1);
          if (removed !== undefined) queue.remove(removed.place);
        } else {
          nowNs += step.afterUs * us;
          const due = model
            .filter((entry) => entry.dueNs <= nowNs && entry.lateRank === 0)
            .sort((a, b) => a.dueNs - b.dueNs);
          const rejected = due.filter((entry) => entry.level !== 2);
          expect(queue.expire(nowNs).sort()).toEqual(rejected.map((entry) => entry.id).sort());
          for (const entry of due) entry.lateRank = ++lateCount;
          model = model.filter((entry) => !rejected.includes(entry));
        }
        expect(queue.length).toBe(model.length);
        const late = model.filter((entry) => entry.lateRank > 0);
        const inTime = model.filter((entry) => entry.lateRank === 0);
        const walked = walk(queue);
        expect([...walked].sort()).toEqual(model.map((entry) => entry.id).sort());
        // Those that became late at the same time have no order among themselves.
        const levels = walked.map((id) => model.find((entry) => entry.id === id)?.level ?? 0);
        expect(levels).toEqual([...levels].sort());
        const inTimeWalked = walked.filter((id) => inTime.some((entry) => entry.id === id));
        expect(inTimeWalked).toEqual(
          [...inTime].sort((a, b) => a.level - b.level || a.id - b.id).map((entry) => entry.id),
        );
        const ofSecond = walked.filter((id) => model.find((entry) => entry.id === id)?.level === 2);
        const lateIds = new Set(late.map((entry) => entry.id));
        const firstLate = ofSecond.findIndex((id) => lateIds.has(id));
        if (firstLate >= 0) expect(ofSecond.length - firstLate).toBe(late.length);
      }
    });
    fc.assert(property, { numRuns: 200 });
  });
});
