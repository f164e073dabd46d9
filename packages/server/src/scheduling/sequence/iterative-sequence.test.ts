import type { TritonError } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import type { Execution } from '../../core/execution.ts';
import {
  type SequenceBench,
  type SequenceBenchOptions,
  sequenceBench,
} from '../testing/sequence-bench.ts';

/** A model that executes a request as often as its id says (`a3`), with an answer each time. */
function countdownBench(
  fields: string,
  options: SequenceBenchOptions = {},
): SequenceBench & { readonly seen: unknown[] } {
  const executions = new Map<string, number>();
  /** Id and START of each execution. */
  const seen: unknown[] = [];
  const execute = (execution: Execution): void => {
    const { request, sink } = execution;
    const { id } = request;
    seen.push([request.parameters.sequenceId, request.parameters.sequenceStart]);
    const count = (executions.get(id) ?? 0) + 1;
    executions.set(id, count);
    const final = count === Number(id.slice(1));
    try {
      if (!final) execution.reschedule?.();
    } catch (error) {
      sink.fail(error as TritonError, { final: true });
      return;
    }
    const names = { modelName: 'm', modelVersion: '1', id };
    sink.respond({ ...names, parameters: new Map(), outputs: [] }, final);
  };
  return { ...sequenceBench(fields, { execute, ...options }), seen };
}

const iterative = 'iterative_sequence: true';

describe('a request that its model gives back', () => {
  it.each(['direct { }', 'oldest { }'])('is executed again, among the others (%s)', (strategy) => {
    const bench = countdownBench(`${strategy} ${iterative}`);
    bench.send(null, 'a3');
    bench.send(null, 'b1');
    bench.send(null, 'c2');
    for (let i = 0; i < 4; i++) bench.turn.end();
    expect(bench.answers).toEqual(['part a3', 'ok b1', 'part c2', 'part a3', 'ok c2', 'ok a3']);
    expect(bench.executed.map((rows) => rows.filter(({ request }) => request.id).length)).toEqual([
      3, 2, 1,
    ]);
    const counts = bench.statistics.snapshot();
    // Every execution counts, as in Triton.
    expect([counts.inference_count, counts.execution_count]).toEqual([6, 3]);
    expect(bench.scheduler.inflightCount).toBe(0);
    expect(bench.scheduler.batchingReport().sequences?.active_count).toBe(0);
  });

  it('gets an id of its own, and is the first of its sequence once', () => {
    const bench = countdownBench(`direct { } ${iterative}`, { maxBatchSize: 0 });
    bench.send(null, 'a2');
    bench.send(null, 'b1');
    bench.turn.end();
    expect(bench.seen).toEqual([
      [1, true],
      [1, false],
      [2, true],
    ]);
  });

  it('may have an id from its client, which is free again when it is done', () => {
    const bench = countdownBench(`direct { } ${iterative}`);
    bench.send(7, 'a2', { start: true });
    for (let i = 0; i < 3; i++) bench.turn.end();
    expect(bench.answers).toEqual(['part a2', 'ok a2']);
    expect(() => bench.send(7, 'b1')).toThrow(/must specify the START flag/u);
  });

  it('leaves its slot to the backlog when it is done, not before', () => {
    const bench = countdownBench(`direct { } ${iterative}`, { maxBatchSize: 1 });
    bench.send(null, 'a3');
    bench.send(null, 'b2');
    bench.turn.end();
    expect(bench.answers).toEqual(['part a3', 'part a3', 'ok a3', 'part b2', 'ok b2']);
  });

  it.each(['direct { }', 'oldest { }'])(
    'may be executed more often than calls fit into each other (%s)',
    (strategy) => {
      const bench = countdownBench(`${strategy} ${iterative}`, { maxBatchSize: 1 });
      bench.send(null, 'a20000');
      bench.turn.end();
      bench.turn.end();
      expect(bench.answers.length).toBe(20_000);
      expect(bench.answers.at(-1)).toBe('ok a20000');
    },
  );

  it('is not taken back when its sequence was silent for too long', async () => {
    const bench = countdownBench(`direct { } ${iterative} max_sequence_idle_microseconds: 2000`, {
      held: true,
    });
    bench.send(null, 'a2');
    bench.turn.end();
    bench.clock.advanceMs(3);
    await bench.finish();
    expect(bench.answers).toEqual([
      "INVALID_ARG a2: inference request for sequence 1 to model 'm' must specify the START flag on the first request of the sequence",
    ]);
    expect(bench.scheduler.batchingReport().sequences?.active_count).toBe(0);
  });

  it('may be cancelled between two executions', async () => {
    const bench = countdownBench(`oldest { } ${iterative}`, { held: true });
    const cancellation = bench.send(null, 'a3');
    bench.turn.end();
    bench.running[0]?.();
    await Promise.resolve();
    cancellation.cancel();
    bench.turn.end();
    expect(bench.answers).toEqual(['part a3', "CANCELLED a3: request to model 'm' was cancelled"]);
    expect(bench.batches).toHaveLength(1);
    expect(bench.scheduler.batchingReport().sequences?.active_count).toBe(0);
  });

  it('keeps the order of answers where that is asked for', () => {
    const bench = countdownBench(`oldest { preserve_ordering: true } ${iterative}`);
    bench.send(null, 'a3');
    bench.send(null, 'b1');
    for (let i = 0; i < 4; i++) bench.turn.end();
    expect(bench.answers).toEqual(['part a3', 'part a3', 'ok a3', 'ok b1']);
  });

  it.each([
    ['a model of ordinary sequences', 'direct { }', { start: true }],
    ['the last request of a sequence', `direct { } ${iterative}`, { start: true, end: true }],
  ])('is refused for %s', (_, fields, sent) => {
    const bench = countdownBench(fields);
    bench.send(1, 'a2', sent);
    bench.turn.end();
    expect(bench.answers).toEqual([
      'INVALID_ARG a2: Request is released with TRITONSERVER_REQUEST_RELEASE_RESCHEDULE, while the model is not configured to handle such a flag.',
    ]);
  });
});
