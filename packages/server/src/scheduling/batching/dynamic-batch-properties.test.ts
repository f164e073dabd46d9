import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cancellation } from '../../core/cancellation.ts';
import { type BatcherBench, batcherBench } from '../testing/batcher-bench.ts';

interface SentRequest {
  readonly size: number;
  readonly shape: readonly number[];
  readonly timeoutUs: number;
  readonly sentNs: number;
  readonly cancellation: Cancellation;
}

/** Time-outs are told in milliseconds of the timer, late by less than one. */
const timerNs = 1_000_000;
const defaultTimeoutUs = 8000;

describe('whatever happens', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('send' as const),
      size: fc.integer({ min: 1, max: 4 }),
      shape: fc.constantFrom([1], [2]),
      priority: fc.nat(3),
      timeoutUs: fc.constantFrom(0, 500, 5000),
    }),
    fc.record({ kind: fc.constant('cancel' as const), index: fc.nat(30) }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(0.3, 1, 4) }),
    fc.record({ kind: fc.constant('turn' as const) }),
    fc.record({ kind: fc.constant('finish' as const), index: fc.nat(1) }),
  );
  const settings = fc.record({
    delayUs: fc.constantFrom(0, 700, 3000),
    preferred: fc.constantFrom('', 'preferred_batch_size: [ 2, 3 ]'),
    levels: fc.constantFrom('', 'priority_levels: 2 default_priority_level: 2'),
    action: fc.constantFrom('REJECT', 'DELAY'),
    queueSize: fc.constantFrom(0, 3),
    ordered: fc.boolean(),
    adaptive: fc.boolean(),
  });

  it('answers every request once, keeps batches small, and leaves nobody waiting', async () => {
    const property = fc.asyncProperty(settings, fc.array(step, { maxLength: 60 }), runSteps);
    await fc.assert(property, { numRuns: 300 });
  });

  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
  type Settings = typeof settings extends fc.Arbitrary<infer S> ? S : never;

  async function runSteps(chosen: Settings, steps: readonly Step[]): Promise<void> {
    const { action, queueSize, adaptive } = chosen;
    const delayUs = adaptive ? 0 : chosen.delayUs;
    const preferred = adaptive ? '' : chosen.preferred;
    const ordered = chosen.ordered && action === 'REJECT';
    const batching = `${preferred} ${ordered ? 'preserve_ordering: true' : chosen.levels} max_queue_delay_microseconds: ${delayUs}
      default_queue_policy { timeout_action: ${action} default_timeout_microseconds: ${defaultTimeoutUs} allow_timeout_override: true max_queue_size: ${queueSize} }`;
    const bench = batcherBench(batching, {
      held: true,
      instanceCount: 2,
      maxBatchSize: 4,
      adaptive,
    });
    const sent: SentRequest[] = [];
    for (const one of steps) {
      if (one.kind === 'send') {
        const id = String(sent.length);
        const sentNs = bench.clock.nowNs();
        sent.push({ ...one, sentNs, cancellation: bench.send(id, one) });
      } else if (one.kind === 'cancel') sent[one.index]?.cancellation.cancel();
      else if (one.kind === 'advance') bench.clock.advanceMs(one.ms);
      else if (one.kind === 'turn') bench.turn.end();
      else await bench.finish(Math.min(one.index, bench.running.length - 1));
    }
    // Whatever still waits is sent or rejected within the longest delay and time-out.
    for (let i = 0; i < 4 * sent.length + 4; i++) {
      bench.turn.end();
      bench.clock.advanceMs(9);
      await bench.finish();
    }
    const ids = bench.answers.map((answer) => Number(/\d+/u.exec(answer)?.[0]));
    expect([...ids].sort((a, b) => a - b)).toEqual(sent.map((_, index) => index));
    expect(bench.scheduler.inflightCount + bench.scheduler.pendingCount).toBe(0);
    for (const batch of bench.batches) {
      const members = batch.map((id) => sent[Number(id)] as SentRequest);
      expect(members.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(4);
      expect(new Set(members.map(({ shape }) => String(shape))).size).toBe(1);
    }
    checkTimeouts(bench, sent, action);
    checkStatistics(bench, sent);
    if (!ordered) return;
    expect(bench.batches.flat()).toEqual(
      [...bench.batches.flat()].sort((a, b) => Number(a) - Number(b)),
    );
    const answered = bench.answers.flatMap((answer) => /^ok (\d+)/u.exec(answer)?.[1] ?? []);
    expect(answered).toEqual(bench.batches.flat());
  }
});

/** Nobody is executed who should have been rejected, and nobody is rejected early or late. */
function checkTimeouts(bench: BatcherBench, sent: readonly SentRequest[], action: string): void {
  for (const [index, { sentNs, timeoutUs }] of sent.entries()) {
    const id = String(index);
    const timeoutNs = Math.min(timeoutUs || defaultTimeoutUs, defaultTimeoutUs) * 1000;
    const startNs = bench.startsNs.get(id);
    const waitedNs = (bench.endsNs.get(id) as number) - sentNs;
    if (action === 'REJECT' && startNs !== undefined) {
      expect(startNs - sentNs).toBeLessThan(timeoutNs);
    }
    if (!bench.answers.includes(`UNAVAILABLE ${id}: Request timeout expired`)) continue;
    expect(action).toBe('REJECT');
    expect(waitedNs).toBeGreaterThanOrEqual(timeoutNs);
    expect(waitedNs).toBeLessThan(timeoutNs + timerNs);
  }
}

/** Every number of the statistics is the sum over what happened. */
function checkStatistics(bench: BatcherBench, sent: readonly SentRequest[]): void {
  const { inference_count, execution_count, inference_stats, batch_stats } =
    bench.statistics.snapshot();
  const executed = sent.flatMap(({ size, sentNs }, index) => {
    const startNs = bench.startsNs.get(String(index));
    return startNs === undefined ? [] : [{ size, queueNs: startNs - sentNs }];
  });
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  expect(inference_count).toBe(sum(executed.map(({ size }) => size)));
  expect(execution_count).toBe(bench.batches.length);
  expect(inference_stats.success.count).toBe(executed.length);
  expect(inference_stats.queue.ns).toBeCloseTo(sum(executed.map(({ queueNs }) => queueNs)), -1);
  expect(inference_stats.fail.count).toBe(sent.length - executed.length);
  const sizes = bench.batches.map((batch) =>
    sum(batch.map((id) => (sent[Number(id)] as SentRequest).size)),
  );
  const counted = [1, 2, 3, 4].flatMap((size) => {
    const count = sizes.filter((other) => other === size).length;
    return count === 0 ? [] : [[size, count]];
  });
  expect(batch_stats.map((one) => [one.batch_size, one.compute_infer.count])).toEqual(counted);
}
