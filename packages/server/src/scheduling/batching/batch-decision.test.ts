import { expect, it } from 'vitest';
import { type BatchRules, decideBatch } from './batch-decision.ts';
import { BatchQueue } from './batch-queue.ts';

const rules: BatchRules<number> = {
  batchSizeMax: 8,
  preferredSizes: new Set([8]),
  preferredSizeMax: 8,
  delayNs: 500_000,
  sizeOf: (size) => size,
  mayJoin: () => true,
};

it('sends at the time until which it said to wait, however that is rounded', () => {
  // Times of the event loop's clock are no whole numbers.
  for (let i = 1; i <= 1000; i++) {
    const cameNs = (1000 * i) / 7;
    const queue = new BatchQueue<number>({
      levelCount: 0,
      defaultLevel: 0,
      defaultPolicy: null,
      levelPolicies: new Map(),
    });
    queue.push(1, 0, 0, cameNs);
    const first = decideBatch(queue, rules, cameNs);
    const untilNs = first.kind === 'wait' ? first.untilNs : Number.NaN;
    expect(decideBatch(queue, rules, untilNs)).toMatchObject({ kind: 'send', reason: 'delay' });
  }
});
