import { describe, expect, it } from 'vitest';
import {
  type SequenceBench,
  type SequenceBenchOptions,
  sequenceBench,
} from '../testing/sequence-bench.ts';

const start = { start: true };
const end = { end: true };
const strategies = ['direct { }', 'oldest { max_candidate_sequences: 2 }'];

/** Models of one row: `direct` has one slot on each instance then, `oldest` two. */
function benchOf(strategy: string, options: SequenceBenchOptions = {}): SequenceBench {
  return sequenceBench(strategy, { maxBatchSize: 2, ...options });
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function sendAll(
  bench: SequenceBench,
  ids: readonly number[],
  name: string,
  sent: object,
): Promise<void> {
  for (const id of ids) bench.send(id, `${name}${id}`, sent);
  await turns(bench);
}

async function turns(bench: SequenceBench): Promise<void> {
  for (let i = 0; i < 8; i++) {
    bench.turn.end();
    await settle();
  }
}

/** Which instance executed which requests. */
function executedOn(bench: SequenceBench): Record<string, string> {
  const on: Record<string, string> = {};
  for (const batch of bench.batches) {
    const [index, rows = ''] = batch.split(': ') as [string, string];
    for (const id of rows.split(' ')) if (id !== '-') on[id] = index;
  }
  return on;
}

describe.each(strategies)('instances that change: %s', (strategy) => {
  it('gives sequences of the backlog the slots of a new instance at once', async () => {
    const bench = benchOf(strategy);
    await sendAll(bench, [1, 2, 3, 4, 5], 'a', start);
    expect(bench.answers).toEqual(['ok a1', 'ok a2']);
    let changed = false;
    void bench.replaceInstances([0, 1]).then(() => {
      changed = true;
    });
    await turns(bench);
    expect(changed).toBe(true);
    expect(bench.answers).toEqual(['ok a1', 'ok a2', 'ok a3', 'ok a4']);
    expect(executedOn(bench)).toMatchObject({ a1: '0', a3: '1', a4: '1' });
    expect(bench.scheduler.batchingReport().sequences).toEqual({
      slot_count: 4,
      active_count: 4,
      backlog_count: 1,
    });
  });

  it('goes on with the sequences of an instance that leaves, and gives it no other', async () => {
    const bench = benchOf(strategy, { instanceCount: 2 });
    await sendAll(bench, [1, 2, 3, 4], 'a', start);
    const leaving = Object.entries(executedOn(bench))
      .filter(([, index]) => index === '1')
      .map(([id]) => Number(id.slice(1)));
    let left = false;
    void bench.replaceInstances([0]).then(() => {
      left = true;
    });
    await sendAll(bench, [5], 'a', start);
    await sendAll(bench, leaving, 'b', {});
    for (const id of leaving) expect(executedOn(bench)[`b${id}`]).toBe('1');
    const [first, second] = leaving as [number, number];
    await sendAll(bench, [first], 'c', end);
    expect([left, executedOn(bench)['a5']]).toEqual([false, undefined]);
    await sendAll(bench, [second], 'c', end);
    expect(left).toBe(true);
    const [staying] = [1, 2, 3, 4].filter((id) => !leaving.includes(id));
    await sendAll(bench, [staying as number], 'c', end);
    expect(executedOn(bench)).toMatchObject({ [`c${staying}`]: '0', a5: '0' });
    expect(bench.answers.every((answer) => answer.startsWith('ok'))).toBe(true);
  });

  it('waits for the run of an instance that leaves, not only for its answers', async () => {
    const bench = benchOf(strategy, { held: true });
    bench.send(1, 'a1', { start: true, end: true });
    await turns(bench);
    let left = false;
    void bench.replaceInstances([1]).then(() => {
      left = true;
    });
    await turns(bench);
    expect([left, bench.running.length]).toEqual([false, 1]);
    await bench.finish();
    await turns(bench);
    expect([left, bench.answers]).toEqual([true, ['ok a1']]);
  });

  it('lets a leaving instance go when its sequence is silent for too long', async () => {
    const bench = benchOf(`max_sequence_idle_microseconds: 500000 ${strategy}`);
    await sendAll(bench, [1], 'a', start);
    let left = false;
    void bench.replaceInstances([]).then(() => {
      left = true;
    });
    await sendAll(bench, [2], 'a', start);
    bench.clock.advanceMs(501);
    await turns(bench);
    expect([left, bench.answers]).toEqual([true, ['ok a1']]);
    // Nothing is lost that waits where there is no instance.
    await bench.replaceInstances([1]);
    await turns(bench);
    expect(bench.answers).toEqual(['ok a1', 'ok a2']);
  });

  it('lets a leaving instance go when the model stops, whose sequences nobody ended', async () => {
    const bench = benchOf(strategy);
    await sendAll(bench, [1], 'a', start);
    const left = bench.replaceInstances([1]);
    await bench.scheduler.stop();
    await left;
    expect(bench.answers).toEqual(['ok a1']);
  });

  it('drops what was cancelled on a leaving instance, and lets it go', async () => {
    const bench = benchOf(strategy, { held: true });
    bench.send(1, 'a1', start);
    await turns(bench);
    const waiting = bench.send(1, 'b1', {});
    let left = false;
    void bench.replaceInstances([1]).then(() => {
      left = true;
    });
    waiting.cancel();
    await bench.finish();
    await turns(bench);
    expect([left, bench.answers.map((answer) => answer.slice(0, 12))]).toEqual([
      true,
      ['CANCELLED b1', 'ok a1'],
    ]);
  });
});
