import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../core/cancellation.ts';
import { batcherBench, requestOf } from '../testing/batcher-bench.ts';

describe('without a delay', () => {
  it('runs what came in one turn as one batch', () => {
    const { turn, batches, answers, send, statistics } = batcherBench('');
    for (const id of ['a', 'b', 'c']) send(id);
    expect(batches).toEqual([]);
    turn.end();
    expect(batches).toEqual([['a', 'b', 'c']]);
    expect(answers).toEqual(['ok a', 'ok b', 'ok c']);
    expect(statistics.snapshot()).toMatchObject({ inference_count: 3, execution_count: 1 });
    expect(statistics.snapshot().batch_stats).toMatchObject([{ batch_size: 3 }]);
  });

  it('runs a lone request when its turn ends', () => {
    const { turn, batches, send, scheduler } = batcherBench('');
    send('a');
    turn.end();
    send('b');
    turn.end();
    expect(batches).toEqual([['a'], ['b']]);
    expect(scheduler.batchingReport()).toMatchObject({
      batch_count: 2,
      reasons: { idle_instance: 2 },
      batch_sizes: [{ batch_size: 1, count: 2 }],
    });
  });

  it('runs the request of a client that is alone at once, until there is another', () => {
    const { turn, batches, send } = batcherBench('');
    for (let i = 0; i < 8; i++) {
      send(`${i}`);
      turn.end();
    }
    send('at once');
    expect(batches.at(-1)).toEqual(['at once']);
    send('another');
    expect(batches).toHaveLength(9);
    turn.end();
    send('a');
    send('b');
    expect(batches).toHaveLength(10);
    turn.end();
    expect(batches.slice(9)).toEqual([['another'], ['a', 'b']]);
  });

  it('lets nobody who may wait for company pass at once', () => {
    for (const field of ['max_queue_delay_microseconds: 1000', 'preserve_ordering: true']) {
      const { turn, batches, send, clock } = batcherBench(field);
      for (let i = 0; i < 9; i++) {
        send(`${i}`);
        turn.end();
        clock.advanceMs(1);
      }
      send('a');
      expect(batches).toHaveLength(9);
    }
  });

  it('merges what came while every instance was busy', async () => {
    const { turn, batches, answers, send, finish } = batcherBench('', { held: true });
    send('a');
    turn.end();
    for (const id of ['b', 'c', 'd']) {
      send(id);
      turn.end();
    }
    expect(batches).toEqual([['a']]);
    await finish();
    expect(batches).toEqual([['a'], ['b', 'c', 'd']]);
    await finish();
    expect(answers).toEqual(['ok a', 'ok b', 'ok c', 'ok d']);
  });

  it('keeps instances busy in parallel', async () => {
    const { turn, batches, running, send, finish } = batcherBench('', {
      held: true,
      instanceCount: 2,
    });
    for (const id of ['a', 'b', 'c']) {
      send(id);
      turn.end();
    }
    expect(running).toHaveLength(2);
    await finish(1);
    expect(batches).toEqual([['a'], ['b'], ['c']]);
  });

  it('never makes a batch larger than the largest, and never splits a request', () => {
    const { turn, batches, send, scheduler } = batcherBench('');
    send('a', { size: 3 });
    send('b', { size: 4 });
    send('c', { size: 4 });
    send('d', { size: 8 });
    turn.end();
    expect(batches).toEqual([['a', 'b'], ['c'], ['d']]);
    expect(scheduler.batchingReport().reasons).toMatchObject({ full: 1 });
  });

  it('sends the largest preferred size that is there, and the rest as it is', () => {
    const { turn, batches, send, scheduler } = batcherBench('preferred_batch_size: [ 2, 4 ]');
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) send(id);
    turn.end();
    expect(batches).toEqual([['a', 'b', 'c', 'd'], ['e', 'f'], ['g']]);
    expect(scheduler.batchingReport().reasons).toMatchObject({
      preferred_size: 2,
      idle_instance: 1,
    });
  });

  it('merges nothing for a model without batching', () => {
    const { turn, batches, send } = batcherBench('', { maxBatchSize: 0 });
    send('a');
    send('b');
    turn.end();
    expect(batches).toEqual([['a'], ['b']]);
  });
});

describe('what merges', () => {
  it('sends what is there when the next request has another shape', () => {
    const { turn, batches, send, scheduler } = batcherBench(
      'max_queue_delay_microseconds: 1000000',
    );
    send('a', { shape: [2] });
    send('b', { shape: [2] });
    send('c', { shape: [3] });
    turn.end();
    expect(batches).toEqual([['a', 'b']]);
    expect(scheduler.batchingReport().reasons.not_mergeable).toBe(1);
    expect(scheduler.pendingCount).toBe(1);
  });

  it('takes inputs in any order, and the same ones only', () => {
    const { turn, batches, send } = batcherBench('');
    send('a', { inputs: ['A', 'B'] });
    send('b', { inputs: ['B', 'A'] });
    send('c', { inputs: ['A'] });
    send('d', { inputs: ['B'] });
    turn.end();
    expect(batches).toEqual([['a', 'b'], ['c'], ['d']]);
  });

  it('takes ragged inputs of any shape', () => {
    const ragged = batcherBench('', { inputFields: 'allow_ragged_batch: true' });
    ragged.send('a', { shape: [2] });
    ragged.send('b', { shape: [3] });
    ragged.turn.end();
    expect(ragged.batches).toEqual([['a', 'b']]);
  });
});

describe('with a delay', () => {
  it('waits until the oldest has waited long enough', () => {
    const { clock, turn, batches, send, scheduler, statistics } = batcherBench(
      'max_queue_delay_microseconds: 5000',
    );
    send('a');
    turn.end();
    clock.advanceMs(4);
    send('b');
    turn.end();
    expect(batches).toEqual([]);
    expect(scheduler.pendingCount).toBe(2);
    clock.advanceMs(1);
    expect(batches).toEqual([['a', 'b']]);
    expect(scheduler.batchingReport().reasons.delay).toBe(1);
    expect(statistics.snapshot().inference_stats.queue).toEqual({ count: 2, ns: 6_000_000 });
  });

  it('waits for less than a millisecond by looking once a turn', () => {
    const { clock, turn, batches, send } = batcherBench('max_queue_delay_microseconds: 1300');
    send('a');
    turn.end();
    clock.advanceMs(1);
    for (const stepMs of [0.1, 0.1]) {
      clock.advanceMs(stepMs);
      turn.end();
    }
    expect(batches).toEqual([]);
    clock.advanceMs(0.1);
    turn.end();
    expect(batches).toEqual([['a']]);
  });

  it('sends at once when a preferred size is reached', () => {
    const { turn, batches, send, clock } = batcherBench(
      'preferred_batch_size: [ 4 ] max_queue_delay_microseconds: 5000',
    );
    for (const id of ['a', 'b', 'c']) send(id);
    turn.end();
    expect(batches).toEqual([]);
    send('d');
    send('e');
    turn.end();
    expect(batches).toEqual([['a', 'b', 'c', 'd']]);
    clock.advanceMs(5);
    expect(batches).toEqual([['a', 'b', 'c', 'd'], ['e']]);
    expect(clock.timerCount).toBe(0);
  });

  it('sends when the next request would exceed every preferred size', () => {
    const { turn, batches, send, scheduler } = batcherBench(
      'preferred_batch_size: [ 4 ] max_queue_delay_microseconds: 5000',
    );
    send('a', { size: 3 });
    send('b', { size: 3 });
    turn.end();
    expect(batches).toEqual([['a']]);
    expect(scheduler.batchingReport().reasons.next_exceeds_preferred_size).toBe(1);
  });

  it('sends everything that fits once the delay is over', async () => {
    const { clock, turn, batches, send, finish } = batcherBench(
      'preferred_batch_size: [ 2 ] max_queue_delay_microseconds: 5000',
      { held: true },
    );
    send('a', { size: 2 });
    turn.end();
    for (const id of ['b', 'c', 'd', 'e', 'f']) send(id);
    clock.advanceMs(6);
    expect(batches).toEqual([['a']]);
    await finish();
    expect(batches).toEqual([['a'], ['b', 'c', 'd', 'e', 'f']]);
  });

  it('sends at once when a batch is full', () => {
    const { turn, batches, send } = batcherBench('max_queue_delay_microseconds: 5000', {
      maxBatchSize: 2,
    });
    for (const id of ['a', 'b', 'c']) send(id);
    turn.end();
    expect(batches).toEqual([['a', 'b']]);
  });
});

describe('queue policies', () => {
  it('refuses what exceeds the size of the queue', async () => {
    const { turn, answers, send, statistics, finish } = batcherBench(
      'default_queue_policy { max_queue_size: 1 }',
      { held: true },
    );
    send('a');
    turn.end();
    send('b');
    send('c');
    expect(answers).toEqual(['UNAVAILABLE c: Exceeds maximum queue size']);
    expect(statistics.counters().failureCounts.REJECTED).toBe(1);
    await finish();
    await finish();
    expect(answers.slice(1)).toEqual(['ok a', 'ok b']);
  });

  it('has a bound of its own where the configuration has none', () => {
    const { turn, answers, send } = batcherBench('', { held: true, queueRequestsMax: 1 });
    send('a');
    turn.end();
    send('b');
    send('c');
    expect(answers).toEqual(['UNAVAILABLE c: Exceeds maximum queue size']);
  });

  it('rejects a request whose time is up, while the instance is busy', async () => {
    const { clock, turn, answers, send, scheduler, statistics, finish } = batcherBench(
      'default_queue_policy { default_timeout_microseconds: 2000 }',
      { held: true },
    );
    send('a');
    turn.end();
    send('b');
    clock.advanceMs(1.9);
    expect(answers).toEqual([]);
    clock.advanceMs(0.2);
    expect(answers).toEqual(['UNAVAILABLE b: Request timeout expired']);
    expect(scheduler.pendingCount).toBe(0);
    expect(statistics.counters().failureCounts.REJECTED).toBe(1);
    await finish();
    expect(answers.slice(1)).toEqual(['ok a']);
  });

  it.each([
    ['allow_timeout_override: true', { timeoutUs: 1000 }, 1],
    ['allow_timeout_override: true', { timeoutUs: 9000 }, 3],
    ['', { timeoutUs: 1000 }, 3],
  ])('lets a request shorten its time with "%s" and %j', (field, sent, expectedMs) => {
    const { clock, turn, answers, send } = batcherBench(
      `default_queue_policy { default_timeout_microseconds: 3000 ${field} }`,
      { held: true },
    );
    send('a');
    turn.end();
    send('b', sent);
    clock.advanceMs(expectedMs - 0.1);
    expect(answers).toEqual([]);
    clock.advanceMs(0.1);
    expect(answers).toHaveLength(1);
  });

  it('puts late requests behind the others with DELAY', async () => {
    const { clock, turn, batches, send, finish } = batcherBench(
      'default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 2000 }',
      { held: true, maxBatchSize: 1 },
    );
    send('a');
    turn.end();
    send('late');
    clock.advanceMs(3);
    send('b');
    for (let i = 0; i < 3; i++) await finish();
    expect(batches.flat()).toEqual(['a', 'b', 'late']);
  });
});

describe('priorities', () => {
  const levels = 'priority_levels: 3 default_priority_level: 2';

  it('takes higher levels first; what names none, or none that there is, has the default', async () => {
    const { turn, batches, send, finish } = batcherBench(levels, { held: true });
    send('first');
    turn.end();
    send('c', { priority: 3 });
    send('b');
    send('b2', { priority: 9 });
    send('a', { priority: 1 });
    await finish();
    expect(batches[1]).toEqual(['a', 'b', 'b2', 'c']);
  });

  it('has a policy for each level', () => {
    const { turn, answers, send } = batcherBench(
      `${levels} priority_queue_policy { key: 1 value { max_queue_size: 1 } } default_queue_policy { max_queue_size: 2 }`,
      { held: true },
    );
    send('first');
    turn.end();
    for (const id of ['a', 'a2']) send(id, { priority: 1 });
    for (const id of ['b', 'b2', 'b3']) send(id, { priority: 2 });
    expect(answers).toEqual([
      'UNAVAILABLE a2: Exceeds maximum queue size',
      'UNAVAILABLE b3: Exceeds maximum queue size',
    ]);
  });

  it('ignores what requests ask for when there are no levels', async () => {
    const { turn, batches, send, finish } = batcherBench('', { held: true });
    send('first');
    turn.end();
    send('a', { priority: 7 });
    send('b', { priority: 1 });
    await finish();
    expect(batches[1]).toEqual(['a', 'b']);
  });
});

describe('order and cancellation', () => {
  it.each([
    ['preserve_ordering: true', ['ok a', 'ok b']],
    ['', ['ok b', 'ok a']],
  ])('answers with "%s" in the order %j', async (field, expected) => {
    const { turn, answers, send, finish } = batcherBench(field, { held: true, instanceCount: 2 });
    send('a');
    turn.end();
    send('b');
    turn.end();
    await finish(1);
    await finish(0);
    expect(answers).toEqual(expected);
  });

  it('drops a cancelled request from the queue and goes on with the others', () => {
    const { turn, batches, answers, send, statistics } = batcherBench('');
    send('a');
    const cancelled = send('b');
    send('c');
    cancelled.cancel();
    expect(answers).toEqual(["CANCELLED b: request to model 'm' was cancelled"]);
    turn.end();
    expect(batches).toEqual([['a', 'c']]);
    expect(statistics.counters().failureCounts.CANCELED).toBe(1);
  });

  it('merges those behind a cancelled request that did not fit', () => {
    const { turn, batches, send } = batcherBench('max_queue_delay_microseconds: 5000', {
      maxBatchSize: 2,
    });
    send('a');
    const misfit = send('b', { shape: [5] });
    send('c');
    misfit.cancel();
    turn.end();
    expect(batches).toEqual([['a', 'c']]);
  });

  it('takes no request that was cancelled before it came', () => {
    const { turn, batches, answers, scheduler, clock } = batcherBench('');
    const cancellation = new Cancellation();
    cancellation.cancel();
    scheduler.enqueue(requestOf('a', {}, cancellation, clock), {
      respond: () => answers.push('ok'),
      fail: (error) => answers.push(error.code),
    });
    turn.end();
    expect([answers, batches, scheduler.inflightCount]).toEqual([['CANCELLED'], [], 0]);
  });

  it('stops when the last request is answered, and takes no more', async () => {
    const { turn, answers, send, scheduler, finish } = batcherBench('', { held: true });
    send('a');
    turn.end();
    let stopped = false;
    const stop = scheduler.stop().then(() => {
      stopped = true;
    });
    send('b');
    await Promise.resolve();
    expect([answers.length, stopped]).toEqual([1, false]);
    expect(answers[0]).toMatch(/^UNAVAILABLE b: Server is stopping/u);
    await finish();
    await stop;
    expect(answers.slice(1)).toEqual(['ok a']);
  });
});

it('leaves no timer behind when the model is unloaded', async () => {
  const { turn, send, scheduler, clock } = batcherBench(
    'default_queue_policy { default_timeout_microseconds: 3600000000 }',
  );
  send('a');
  turn.end();
  expect(clock.timerCount).toBe(1);
  await scheduler.stop();
  expect(clock.timerCount).toBe(0);
});

describe('told to wait for a number of requests before the first batch', () => {
  it('sends nothing until they are there, then everything as always', () => {
    const { turn, batches, send, clock } = batcherBench(
      'default_queue_policy { default_timeout_microseconds: 1000000 }',
      { startAtRequests: 3 },
    );
    send('a');
    turn.end();
    clock.advanceMs(10);
    send('b');
    turn.end();
    expect(batches).toEqual([]);
    send('c');
    turn.end();
    expect(batches).toEqual([['a', 'b', 'c']]);
    send('d');
    turn.end();
    expect(batches.at(-1)).toEqual(['d']);
  });

  it('looks at time-outs only then', () => {
    const { turn, answers, send, clock } = batcherBench(
      'default_queue_policy { default_timeout_microseconds: 5000 }',
      { startAtRequests: 2 },
    );
    send('a');
    clock.advanceMs(10);
    expect(answers).toEqual([]);
    send('b');
    turn.end();
    expect(answers).toEqual(['UNAVAILABLE a: Request timeout expired', 'ok b']);
  });

  it('sends what it has when it stops', async () => {
    const { turn, answers, send, scheduler } = batcherBench('', { startAtRequests: 9 });
    send('a');
    const stopped = scheduler.stop();
    turn.end();
    await stopped;
    expect(answers).toEqual(['ok a']);
  });
});
