import { describe, expect, it } from 'vitest';
import { sequenceBench } from '../testing/sequence-bench.ts';

const start = { start: true };
const end = { end: true };
const single = { start: true, end: true };

describe('a request that is not taken', () => {
  const text = (send: () => unknown): string => {
    try {
      send();
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };

  it.each([
    ['no id', null],
    ['0 for an id', 0],
    ['an empty id', ''],
  ])('has %s', (_, id) => {
    const bench = sequenceBench('direct { }');
    expect(text(() => bench.send(id, 'a', start))).toBe(
      "inference request to model 'm' must specify a non-zero or non-empty correlation ID",
    );
    expect([bench.scheduler.inflightCount, bench.answers]).toEqual([0, []]);
  });

  it.each([
    ['a number', 7, '7'],
    ['a large number', 2n ** 64n - 1n, '18446744073709551615'],
    ['text', 'session', 'session'],
  ])('is not the first of its sequence, whose id is %s', (_, id, shown) => {
    const bench = sequenceBench('oldest { }');
    expect(text(() => bench.send(id, 'a'))).toBe(
      `inference request for sequence ${shown} to model 'm' must specify the START flag on the first request of the sequence`,
    );
  });

  it('comes after the END of its sequence', () => {
    const bench = sequenceBench('direct { }');
    bench.send(1, 'a', single);
    expect(text(() => bench.send(1, 'b'))).toMatch(/must specify the START flag/u);
  });

  it('has a batch of its own', () => {
    const bench = sequenceBench('direct { }');
    expect(text(() => bench.send(1, 'a', { ...start, size: 2 }))).toBe(
      "inference request to model 'm' must specify batch-size 1 due to requirements of sequence batcher",
    );
  });

  it('is too much', () => {
    const bench = sequenceBench('direct { }', { queueRequestsMax: 2 });
    bench.send(1, 'a', start);
    bench.send(1, 'b');
    expect(text(() => bench.send(1, 'c'))).toBe('Exceeds maximum queue size');
    bench.turn.end();
    bench.send(1, 'd');
    bench.turn.end();
    bench.turn.end();
    expect(bench.answers).toEqual(['ok a', 'ok b', 'ok d']);
  });

  it('begins a sequence while the model stops, which the others of theirs do not', async () => {
    const bench = sequenceBench('direct { }');
    bench.send(1, 'a', start);
    const stopped = bench.scheduler.stop();
    expect(text(() => bench.send(2, 'b', start))).toMatch(/^Server is stopping/u);
    bench.send(1, 'c', end);
    bench.turn.end();
    await stopped;
    expect(bench.answers).toEqual(['ok a', 'ok c']);
  });
});

describe('the end of the sequences', () => {
  const ended = (bench: ReturnType<typeof sequenceBench>): { readonly all: () => boolean } => {
    let all = false;
    void bench.scheduler.endSequences().then(() => {
      all = true;
    });
    return { all: () => all };
  };
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('is when the last has had its END, and no other began', async () => {
    const bench = sequenceBench('direct { }');
    bench.send(1, 'a', start);
    bench.send(2, 'b', start);
    bench.turn.end();
    const waiting = ended(bench);
    expect(() => bench.send(3, 'c', start)).toThrow(/^Server is stopping/u);
    bench.send(1, 'd', end);
    bench.turn.end();
    await settle();
    expect([waiting.all(), bench.scheduler.inflightCount]).toEqual([false, 1]);
    bench.send(2, 'e', end);
    bench.turn.end();
    await settle();
    expect([waiting.all(), bench.scheduler.inflightCount]).toEqual([true, 0]);
    expect(bench.answers).toEqual(['ok a', 'ok b', 'ok d', 'ok e']);
  });

  it('is when those that do not end have been silent for too long', async () => {
    const bench = sequenceBench('max_sequence_idle_microseconds: 500000 direct { }');
    bench.send(1, 'a', start);
    bench.turn.end();
    const waiting = ended(bench);
    bench.clock.advanceMs(499);
    await settle();
    expect(waiting.all()).toBe(false);
    bench.clock.advanceMs(2);
    await settle();
    expect(waiting.all()).toBe(true);
  });

  it('is at once where there is none, or where nobody waits any longer', async () => {
    const bench = sequenceBench('direct { }');
    await bench.scheduler.endSequences();
    const other = sequenceBench('direct { }');
    other.send(1, 'a', start);
    other.turn.end();
    const waiting = ended(other);
    await other.scheduler.stop();
    await settle();
    expect(waiting.all()).toBe(true);
  });
});

describe('strategy direct', () => {
  it('keeps each sequence in its row, and fills up the rows before the last', () => {
    const bench = sequenceBench('direct { }');
    for (const id of [1, 2, 3]) bench.send(id, `start${id}`, start);
    bench.turn.end();
    bench.send(3, 'c');
    bench.turn.end();
    bench.send(1, 'a', end);
    bench.turn.end();
    bench.send(2, 'b');
    bench.send(4, 'd', start);
    bench.turn.end();
    expect(bench.batches).toEqual(['0: start1 start2 start3', '0: - - c', '0: a', '0: d b']);
    const counts = bench.statistics.snapshot();
    expect([counts.inference_count, counts.execution_count]).toEqual([7, 4]);
    expect(counts.batch_stats.map(({ batch_size }) => batch_size)).toEqual([1, 2, 3]);
  });

  it('executes the requests of a sequence one after the other, in their order', async () => {
    const bench = sequenceBench('direct { }', { held: true });
    for (const id of ['a', 'b', 'c']) bench.send(1, id, { start: id === 'a', end: id === 'c' });
    bench.turn.end();
    expect(bench.batches).toEqual(['0: a']);
    for (let i = 0; i < 3; i++) await bench.finish();
    expect(bench.batches).toEqual(['0: a', '0: b', '0: c']);
  });

  it('gives the lowest free row away first, on whichever instance', () => {
    const bench = sequenceBench('direct { }', { instanceCount: 2 });
    for (const id of [1, 2, 3, 4, 5]) bench.send(id, `${id}`, start);
    bench.turn.end();
    expect(bench.batches).toEqual(['0: 1 3 5', '1: 2 4']);
  });

  it('lets a request of another shape wait for the next batch', () => {
    const bench = sequenceBench('direct { }');
    bench.send(1, 'a', start);
    bench.send(2, 'b', { ...start, shape: [2] });
    bench.send(3, 'c', start);
    bench.turn.end();
    expect(bench.batches).toEqual(['0: a - c', '0: - b']);
    expect(bench.executed[1]?.map(({ request }) => request.inputs[0]?.shape)).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it('waits until enough rows have a request, or one has waited long enough', () => {
    const bench = sequenceBench(
      'direct { minimum_slot_utilization: 0.5 max_queue_delay_microseconds: 5000 }',
    );
    bench.send(1, 'a', start);
    bench.turn.end();
    bench.clock.advanceMs(3);
    expect(bench.batches).toEqual([]);
    bench.send(2, 'b', start);
    bench.turn.end();
    expect(bench.batches).toEqual(['0: a b']);
    bench.send(2, 'c');
    bench.turn.end();
    bench.clock.advanceMs(5);
    expect(bench.batches).toEqual(['0: a b', '0: - c']);
    expect(bench.scheduler.batchingReport().reasons).toMatchObject({
      slot_utilization: 1,
      delay: 1,
    });
  });

  it('does not wait for one of the two settings alone', () => {
    for (const field of ['minimum_slot_utilization: 1', 'max_queue_delay_microseconds: 5000']) {
      const bench = sequenceBench(`direct { ${field} }`);
      bench.send(1, 'a', start);
      bench.turn.end();
      expect(bench.batches).toEqual(['0: a']);
    }
  });

  it('waits, for tests, until so many requests are there', () => {
    const bench = sequenceBench('direct { }', {
      maxBatchSize: 2,
      hold: { requestCount: 2, backlogRequestCount: 1 },
    });
    bench.send(1, 'a', single);
    bench.send(2, 'b', single);
    bench.turn.end();
    expect(bench.batches).toEqual([]);
    bench.send(3, 'c', single);
    bench.turn.end();
    expect(bench.batches).toEqual(['0: a b', '0: c']);
    bench.send(4, 'd', single);
    bench.turn.end();
    expect(bench.batches.at(-1)).toBe('0: d');
  });

  it('runs one sequence at a time without batching, at once', () => {
    const bench = sequenceBench('direct { }', { maxBatchSize: 0 });
    bench.send(1, 'a', start);
    bench.send(2, 'b', single);
    bench.send(1, 'c', end);
    expect(bench.batches).toEqual(['0: a', '0: c', '0: b']);
  });
});

describe('strategy oldest', () => {
  it.each([
    ['', 4],
    ['max_candidate_sequences: 0', 4],
    ['max_candidate_sequences: -1', 4],
    ['max_candidate_sequences: 3', 3],
  ])('has as many slots as "%s" says, or as a batch has rows', (fields, slotCount) => {
    const bench = sequenceBench(`oldest { ${fields} }`);
    expect(bench.scheduler.batchingReport().sequences?.slot_count).toBe(slotCount);
    bench.send(1, 'a', single);
    bench.turn.end();
    expect(bench.answers).toEqual(['ok a']);
  });

  it('batches one request of each sequence, in the order in which they came', async () => {
    const bench = sequenceBench('oldest { max_candidate_sequences: 8 }', { held: true });
    bench.send(1, 'a1', start);
    bench.send(2, 'b1', start);
    bench.send(1, 'a2', end);
    bench.send(3, 'c1', single);
    bench.turn.end();
    await bench.finish();
    bench.send(2, 'b2', end);
    await bench.finish();
    await bench.finish();
    expect(bench.batches).toEqual(['0: a1 b1 c1', '0: a2', '0: b2']);
  });

  it('has as many sequences at a time as it may, the others in the backlog', async () => {
    const bench = sequenceBench('oldest { max_candidate_sequences: 2 }', { held: true });
    for (const id of [1, 2, 3]) bench.send(id, `s${id}`, start);
    bench.turn.end();
    expect(bench.scheduler.batchingReport().sequences).toEqual({
      slot_count: 2,
      active_count: 2,
      backlog_count: 1,
    });
    await bench.finish();
    bench.send(1, 'e1', end);
    bench.send(3, 'e3', end);
    bench.turn.end();
    await bench.finish();
    await bench.finish();
    await bench.finish();
    expect(bench.batches).toEqual(['0: s1 s2', '0: e1', '0: s3', '0: e3']);
  });

  it('waits for company as long as it may', () => {
    const bench = sequenceBench(
      'oldest { preferred_batch_size: [ 2 ] max_queue_delay_microseconds: 4000 }',
    );
    bench.send(1, 'a', start);
    bench.turn.end();
    expect(bench.batches).toEqual([]);
    bench.send(2, 'b', start);
    bench.turn.end();
    bench.send(2, 'c');
    bench.turn.end();
    bench.clock.advanceMs(4);
    expect(bench.batches).toEqual(['0: a b', '0: c']);
  });
});

describe('a sequence', () => {
  it('may begin anew before its end, which is said in the log', () => {
    const bench = sequenceBench('direct { }');
    bench.send('s', 'a', start);
    bench.send('s', 'b', start);
    bench.turn.end();
    expect(bench.batches).toEqual(['0: a', '0: b']);
    expect(bench.warnings).toEqual([
      "sequence s for model 'm' has a conflict. The previous sequence did not end before this sequence start. Previous sequence will be terminated early.",
    ]);
  });

  it('gives its slot to the next one in the backlog when it ends', () => {
    const bench = sequenceBench('direct { }', { maxBatchSize: 1 });
    bench.send(1, 'a', start);
    bench.send(2, 'b', start);
    bench.send(3, 'c', single);
    bench.send(2, 'd', end);
    expect(bench.batches).toEqual(['0: a']);
    bench.send(1, 'e', end);
    expect(bench.batches).toEqual(['0: a', '0: e', '0: b', '0: d', '0: c']);
  });

  it('loses its slot when it is silent for too long', () => {
    const bench = sequenceBench('direct { } max_sequence_idle_microseconds: 2000', {
      maxBatchSize: 1,
    });
    bench.send(1, 'a', start);
    bench.send(2, 'b', start);
    bench.clock.advanceMs(1);
    bench.send(1, 'c');
    bench.clock.advanceMs(1.5);
    expect(bench.batches).toEqual(['0: a', '0: c']);
    bench.clock.advanceMs(2);
    expect(bench.batches).toEqual(['0: a', '0: c', '0: b']);
    expect(() => bench.send(1, 'd')).toThrow(/must specify the START flag/u);
    bench.send(2, 'e', end);
    expect(bench.answers.at(-1)).toBe('ok e');
  });

  it('is silent from its last request on, also while that is executed; what waits is executed', async () => {
    const bench = sequenceBench('oldest { } max_sequence_idle_microseconds: 2000', { held: true });
    bench.send(1, 'a', start);
    bench.send(1, 'b');
    bench.turn.end();
    bench.clock.advanceMs(3);
    expect(() => bench.send(1, 'c')).toThrow(/must specify the START flag/u);
    await bench.finish();
    await bench.finish();
    expect(bench.answers).toEqual(['ok a', 'ok b']);
    expect(bench.scheduler.batchingReport().sequences?.active_count).toBe(0);
  });

  it('is rejected as a whole when a request has waited too long for a slot', () => {
    const bench = sequenceBench('direct { }', { maxBatchSize: 1 });
    bench.send(1, 'a', start);
    bench.send(2, 'b', { ...start, timeoutUs: 5000 });
    bench.send(2, 'c', { timeoutUs: 2000 });
    bench.send(3, 'd', start);
    bench.clock.advanceMs(3);
    const text = 'timeout of the corresponding sequence has been expired';
    expect(bench.answers).toEqual(['ok a', `UNAVAILABLE b: ${text}`, `UNAVAILABLE c: ${text}`]);
    expect(() => bench.send(2, 'e')).toThrow(/must specify the START flag/u);
    expect(bench.statistics.counters().failureCounts.REJECTED).toBe(2);
    bench.send(1, 'f', end);
    expect(bench.answers.at(-1)).toBe('ok d');
  });
});

it('leaves no timer behind when the model is unloaded', async () => {
  for (const strategy of ['direct { }', 'oldest { }']) {
    const bench = sequenceBench(`${strategy} max_sequence_idle_microseconds: 3600000000`);
    bench.send(1, 'a', start);
    bench.turn.end();
    expect(bench.clock.timerCount).toBe(1);
    await bench.scheduler.stop();
    expect(bench.clock.timerCount).toBe(0);
  }
});

it('leaves no timer behind for a request that waited in the backlog', async () => {
  const bench = sequenceBench('direct { }', { maxBatchSize: 1 });
  bench.send(1, 'a', start);
  bench.send(2, 'b', { ...single, timeoutUs: 3_600_000_000 });
  bench.send(1, 'c', end);
  bench.turn.end();
  await bench.scheduler.stop();
  expect(bench.answers).toEqual(['ok a', 'ok c', 'ok b']);
  expect(bench.clock.timerCount).toBe(0);
});

describe('a cancelled request', () => {
  it.each(['direct { }', 'oldest { max_candidate_sequences: 1 }'])(
    'takes those of its sequence along and frees the slot (%s)',
    async (strategy) => {
      const bench = sequenceBench(strategy, { held: true, maxBatchSize: 1 });
      bench.send(1, 'a', start);
      const cancellation = bench.send(1, 'b');
      bench.send(1, 'c');
      bench.send(2, 'd', single);
      bench.turn.end();
      cancellation.cancel();
      expect(bench.answers).toEqual([
        "CANCELLED b: request to model 'm' was cancelled",
        "CANCELLED c: a request of the same sequence of model 'm' was cancelled",
      ]);
      expect(() => bench.send(1, 'e')).toThrow(/must specify the START flag/u);
      await bench.finish();
      await bench.finish();
      expect(bench.answers.slice(2)).toEqual(['ok a', 'ok d']);
      expect(bench.statistics.counters().failureCounts.CANCELED).toBe(2);
      expect(bench.scheduler.inflightCount).toBe(0);
    },
  );

  it('frees the slot at once when nothing of the sequence runs', () => {
    const bench = sequenceBench('oldest { max_candidate_sequences: 1 }', { held: true });
    const cancellation = bench.send(1, 'a', start);
    bench.send(2, 'b', start);
    cancellation.cancel();
    bench.turn.end();
    expect(bench.batches).toEqual(['0: b']);
  });

  it('leaves the backlog with its sequence', () => {
    const bench = sequenceBench('direct { }', { maxBatchSize: 1 });
    bench.send(1, 'a', start);
    const cancellation = bench.send(2, 'b', start);
    bench.send(2, 'c', end);
    cancellation.cancel();
    bench.send(1, 'd', end);
    expect(bench.batches).toEqual(['0: a', '0: d']);
    expect(bench.scheduler.batchingReport()).toMatchObject({
      pending_count: 0,
      sequences: { active_count: 0, backlog_count: 0 },
    });
  });

  it('may have a hundred thousand behind it', () => {
    const bench = sequenceBench('direct { }', { held: true });
    bench.send(1, 'a', start);
    bench.turn.end();
    const cancellation = bench.send(1, 'b');
    for (let i = 0; i < 99_999; i++) bench.send(1, 'c');
    cancellation.cancel();
    expect(bench.answers).toHaveLength(100_000);
  });
});
