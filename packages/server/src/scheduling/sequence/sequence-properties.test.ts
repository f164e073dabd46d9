import type { Tensor } from '@nereid/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cancellation } from '../../core/cancellation.ts';
import type { Execution } from '../../core/execution.ts';
import { type SequenceBench, sequenceBench } from '../testing/sequence-bench.ts';
import type { StateSettings } from './kept-states.ts';

/** A request as it was sent; `life` numbers the sequences, an id may have several one after the other. */
interface SentRequest {
  readonly life: string;
  readonly cancellation: Cancellation;
}

/** A sequence that an id stands for, and when it was last heard of. */
interface Life {
  readonly life: string;
  readonly sentNs: number;
}

const maxBatchSize = 3;
const idleNs = 9_000_000;
const candidates = 2;

describe('whatever happens', () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('send' as const),
        id: fc.integer({ min: 1, max: 7 }),
        start: fc.boolean(),
        end: fc.boolean(),
        shape: fc.constantFrom([1], [2]),
        timeoutUs: fc.constantFrom(0, 0, 2500),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('cancel' as const), index: fc.nat(40) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('advance' as const),
        ms: fc.constantFrom(0.3, 1, 4, 11),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('instances' as const),
        kept: fc.integer({ min: 0, max: 2 }),
        added: fc.integer({ min: 0, max: 2 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('finish' as const), index: fc.nat(1) }) },
  );
  const settings = fc.record({
    strategy: fc.constantFrom(
      'direct { }',
      'direct { minimum_slot_utilization: 0.6 max_queue_delay_microseconds: 1500 }',
      `oldest { max_candidate_sequences: ${candidates} }`,
      `oldest { max_candidate_sequences: ${candidates} preferred_batch_size: [ 2 ] max_queue_delay_microseconds: 1500 }`,
    ),
    iterative: fc.boolean(),
  });

  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
  type Settings = typeof settings extends fc.Arbitrary<infer S> ? S : never;

  it('answers every request once, in order, on one instance with its state, one of a sequence at a time, and frees every slot', async () => {
    const property = fc.asyncProperty(settings, fc.array(step, { maxLength: 80 }), runSteps);
    await fc.assert(property, { numRuns: 300 });
  });

  async function runSteps(
    { strategy, iterative }: Settings,
    steps: readonly Step[],
  ): Promise<void> {
    const oldest = strategy.startsWith('oldest');
    const given = new Map<string, number>();
    const sent: SentRequest[] = [];
    const executions = new Map<string, number>();
    const bench = sequenceBench(
      `${strategy} max_sequence_idle_microseconds: ${idleNs / 1000} iterative_sequence: ${iterative}`,
      {
        held: true,
        instanceCount: 2,
        maxBatchSize,
        states: [executionCount],
        // Every third request of an iterative sequence is executed twice.
        execute: (execution) => {
          checkState(execution, sent, executions);
          if (iterative) executeTwice(execution, given);
          else answer(execution);
        },
      },
    );
    const instances = new ChangingInstances(bench, 2);
    const lives = new Map<number, Life>();
    for (const one of steps) {
      if (one.kind === 'send') send(bench, one, sent, lives);
      else if (one.kind === 'cancel') sent[one.index]?.cancellation.cancel();
      else if (one.kind === 'advance') bench.clock.advanceMs(one.ms);
      else if (one.kind === 'turn') bench.turn.end();
      else if (one.kind === 'instances') instances.change(one.kept, one.added);
      else await bench.finish(Math.min(one.index, bench.running.length - 1));
      checkSlots(bench, oldest ? candidates : maxBatchSize, instances, sent);
    }
    instances.change(0, 1);
    // Whatever still waits is executed or rejected once those before it are idle.
    for (let i = 0; i < 4 * sent.length + 8; i++) {
      bench.turn.end();
      bench.clock.advanceMs(10);
      await bench.finish();
    }
    const ids = bench.answers.map((answer) => Number(/\d+/u.exec(answer)?.[0]));
    expect([...ids].sort((a, b) => a - b)).toEqual(sent.map((_, index) => index));
    expect([bench.scheduler.inflightCount, bench.scheduler.pendingCount]).toEqual([0, 0]);
    expect(bench.scheduler.batchingReport().sequences).toMatchObject({
      active_count: 0,
      backlog_count: 0,
    });
    expect(instances.present).toBe(1);
    checkOrder(bench, sent, iterative);
    checkInstances(bench, sent);
  }
});

function executeTwice(execution: Execution, given: Map<string, number>): void {
  const { id } = execution.request;
  const count = (given.get(id) ?? 0) + 1;
  given.set(id, count);
  try {
    if (Number(id) % 3 === 0 && count === 1) {
      execution.reschedule?.();
      return;
    }
  } catch {
    // The sequence is over: this is the last answer.
  }
  answer(execution);
}

function answer({ request: { id }, sink }: Execution): void {
  sink.respond({ modelName: 'm', modelVersion: '1', id, parameters: new Map(), outputs: [] }, true);
}

/** A sequence's state is how often it was executed. */
const executionCount: StateSettings = {
  inputName: 'COUNT',
  outputName: 'NEXT',
  dataType: 'INT32',
  shape: [1, 1],
  initial: new Uint8Array(4),
  sameBuffer: false,
  growable: false,
};

/** @param executions so far, by sequence. */
function checkState(
  { request, states }: Execution,
  sent: readonly SentRequest[],
  executions: Map<string, number>,
): void {
  if (request.id === '') return;
  const { life } = sent[Number(request.id)] as SentRequest;
  const { data } = request.inputs.find(({ name }) => name === 'COUNT') as Tensor;
  const count = Buffer.from(data).readInt32LE();
  const before = request.parameters.sequenceStart ? 0 : (executions.get(life) ?? 0);
  if (life !== 'lost') expect(count).toBe(before);
  executions.set(life, count + 1);
  const next = states?.allocate('NEXT', 'INT32', [1, 1], 4) as Uint8Array;
  Buffer.from(next.buffer, next.byteOffset, 4).writeInt32LE(count + 1);
  states?.commit('NEXT');
}

/** The model's instances, which change while it has requests. */
class ChangingInstances {
  readonly #bench: SequenceBench;
  #indices: number[];
  #next: number;
  /** Those that are there, also while they leave. */
  present: number;

  constructor(bench: SequenceBench, count: number) {
    this.#bench = bench;
    this.#indices = Array.from({ length: count }, (_, index) => index);
    this.#next = count;
    this.present = count;
  }

  /** Keeps the first of those there are. */
  change(kept: number, added: number): void {
    const stay = this.#indices.slice(0, kept);
    const leaving = this.#indices.length - stay.length;
    this.#indices = [...stay, ...Array.from({ length: added }, () => this.#next++)];
    this.present += added;
    void this.#bench.replaceInstances(this.#indices).then(() => {
      this.present -= leaving;
    });
  }
}

function send(
  bench: SequenceBench,
  one: { id: number; start: boolean; end: boolean; shape: readonly number[]; timeoutUs: number },
  sent: SentRequest[],
  lives: Map<number, Life>,
): void {
  const index = sent.length;
  try {
    const cancellation = bench.send(one.id, String(index), one);
    const known = lives.get(one.id);
    const nowNs = bench.clock.nowNs();
    // Who starts anew after the idle time has another sequence, beside what still waits of the old one.
    const isNew = known === undefined || nowNs - known.sentNs >= idleNs;
    const life = one.start && isNew ? `${one.id}/${index}` : (known?.life ?? 'lost');
    lives.set(one.id, { life, sentNs: nowNs });
    if (one.end) lives.delete(one.id);
    sent.push({ life, cancellation });
  } catch (error) {
    expect((error as Error).message).toMatch(/must specify the START flag/u);
    expect(one.start).toBe(false);
    lives.delete(one.id);
  }
}

/** No instance has more sequences than slots, none of them two requests at a time. */
function checkSlots(
  { scheduler, executed, running }: SequenceBench,
  slots: number,
  { present }: ChangingInstances,
  sent: readonly SentRequest[],
): void {
  expect(scheduler.batchingReport().sequences?.active_count).toBeLessThanOrEqual(present * slots);
  expect(running.length).toBeLessThanOrEqual(present);
  for (const rows of executed) {
    expect(rows.length).toBeLessThanOrEqual(maxBatchSize);
    const shapes = new Set(rows.map(({ request }) => String(request.inputs[0]?.shape)));
    expect(shapes.size).toBe(1);
    // Two sequences of one id, the one ended and the next begun, are two.
    const members = rows.flatMap(({ request: { id } }) => {
      const life = id === '' ? 'lost' : (sent[Number(id)] as SentRequest).life;
      return life === 'lost' ? [] : [life];
    });
    expect(new Set(members).size).toBe(members.length);
  }
}

/** A sequence stays on its instance. */
function checkInstances({ executed, batches }: SequenceBench, sent: readonly SentRequest[]): void {
  const instanceOf = new Map<string, string>();
  for (const [batch, rows] of executed.entries()) {
    const instance = batches[batch]?.split(':')[0] as string;
    for (const { request } of rows) {
      if (request.id === '') continue;
      const { life } = sent[Number(request.id)] as SentRequest;
      if (life === 'lost') continue;
      expect([life, instanceOf.get(life) ?? instance]).toEqual([life, instance]);
      instanceOf.set(life, instance);
    }
  }
}

/** Requests of one sequence are executed in the order in which they were sent. */
function checkOrder(bench: SequenceBench, sent: readonly SentRequest[], iterative: boolean): void {
  // One that is executed again goes behind those of its sequence that wait.
  if (iterative) return;
  const last = new Map<string, number>();
  for (const rows of bench.executed) {
    for (const { request } of rows) {
      if (request.id === '') continue;
      const index = Number(request.id);
      const { life } = sent[index] as SentRequest;
      if (life === 'lost') continue;
      expect(index).toBeGreaterThan(last.get(life) ?? -1);
      last.set(life, index);
    }
  }
}
