import { TritonError } from '@nereid/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../core/cancellation.ts';
import {
  type Answered,
  answer,
  EnsembleBench,
  FakeStepModel,
  int32,
  type StepCall,
  valuesOf,
} from './testing/ensemble-bench.ts';

/** Step n takes two of the tensors before it: 0 and 1 are the inputs, n + 2 is its own. */
type Graph = readonly (readonly [number, number])[];

const graphs: fc.Arbitrary<Graph> = fc
  .array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 12 })
  .map((pairs) => pairs.map(([a, b], n) => [a % (n + 2), b % (n + 2)] as const));

const io = (kind: string, names: readonly string[]): string =>
  names.map((name) => `${kind} { name: "${name}" data_type: TYPE_INT32 dims: [ 1 ] }`).join(' ');

/** Every tensor but the inputs is an output, so that none is unused. */
function ensembleOf(graph: Graph, limit: number): string {
  const steps = graph.map(
    ([a, b], n) => `step { model_name: "add" model_version: -1
      input_map { key: "X" value: "t${a}" } input_map { key: "Y" value: "t${b}" }
      output_map { key: "Z" value: "t${n + 2}" } }`,
  );
  return `name: "e" platform: "ensemble" ${io('input', ['t0', 't1'])}
    ${io('output', outputNames(graph))}
    ensemble_scheduling { max_inflight_requests: ${limit} ${steps.join(' ')} }`;
}

const outputNames = (graph: Graph): string[] => graph.map((_, n) => `t${n + 2}`);
const addConfig = `name: "add" ${io('input', ['X', 'Y'])} ${io('output', ['Z'])}`;

/** What the steps give when each is run by hand, in their order. */
function byHand(graph: Graph, inputs: readonly [number, number]): Map<string, number> {
  const values: number[] = [...inputs];
  for (const [a, b] of graph) values.push(((values[a] as number) + (values[b] as number)) | 0);
  return new Map(values.map((value, n) => [`t${n}`, value]));
}

function sum({ message }: StepCall): number {
  return message.inputs.map((input) => valuesOf(input)[0] as number).reduce((a, b) => a + b, 0) | 0;
}

describe('any graph', () => {
  const sent = fc.record({ inputs: fc.tuple(fc.integer(), fc.integer()), wanted: fc.nat() });
  const scenario = fc.record({
    graph: graphs,
    limit: fc.constantFrom(0, 1, 3),
    requests: fc.array(sent, { minLength: 1, maxLength: 4 }),
    /** What becomes of the steps, in whatever order they are picked. */
    picks: fc.array(fc.tuple(fc.nat(), fc.constantFrom('answer', 'answer', 'answer', 'now')), {
      maxLength: 60,
    }),
  });

  it('gives what its steps give by hand, in whatever order they end', () => {
    const property = fc.property(scenario, ({ graph, limit, requests, picks }) => {
      const open: StepCall[] = [];
      let inline = false;
      const add = new FakeStepModel(addConfig, (call) => {
        if (inline) answer(call, [int32('Z', [1], sum(call))]);
        else open.push(call);
      });
      const bench = new EnsembleBench(ensembleOf(graph, limit), { add });
      const names = outputNames(graph);
      const wanted = requests.map(({ wanted: bits }) => {
        const some = names.filter((_, n) => ((bits >> (n % 30)) & 1) === 1);
        return (some.length === 0 ? names : some).sort();
      });
      const answered = requests.map(({ inputs: [a, b] }, n) =>
        bench.send([int32('t0', [1], a), int32('t1', [1], b)], {
          outputNames: wanted[n] as string[],
        }),
      );
      for (const [pick, kind] of picks) {
        inline = kind === 'now';
        finishOne(open, pick);
      }
      while (open.length > 0) finishOne(open, 0);
      for (const [n, { responses, ends, error }] of answered.entries()) {
        expect([ends, error]).toEqual([1, null]);
        const expected = byHand(graph, requests[n]!.inputs);
        expect(
          responses.map(({ outputs }) => outputs.map((o) => [o.name, ...valuesOf(o)])),
        ).toEqual([(wanted[n] as string[]).map((name) => [name, expected.get(name)])]);
      }
      nothingLeft(bench, add);
    });
    fc.assert(property, { numRuns: 300 });
  });

  function finishOne(open: StepCall[], pick: number): void {
    const [call] = open.splice(pick % Math.max(1, open.length), 1);
    if (call !== undefined) answer(call, [int32('Z', [1], sum(call))]);
  }
});

describe('whatever happens', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('send' as const) }),
    fc.record({
      kind: fc.constantFrom('content', 'end', 'fail', 'failOnce', 'again'),
      pick: fc.nat(),
    }),
    fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat() }),
    fc.record({ kind: fc.constant('advance' as const) }),
  );
  const settings = fc.record({
    graph: graphs,
    limit: fc.constantFrom(0, 1, 2),
    refuseEvery: fc.constantFrom(0, 3, 7),
    events: fc.array(event, { maxLength: 80 }),
  });

  it('ends every request once, and holds no model any longer', () => {
    fc.assert(
      fc.property(settings, ({ graph, limit, refuseEvery, events }) => {
        const open: StepCall[] = [];
        const ended: StepCall[] = [];
        let calls = 0;
        const decoupled = 'model_transaction_policy { decoupled: true }';
        const add = new FakeStepModel(`${addConfig} ${decoupled}`, (call) => {
          calls++;
          if (refuseEvery > 0 && calls % refuseEvery === 0)
            throw new TritonError('INVALID_ARG', 'no');
          open.push(call);
        });
        // Only chains are valid where every step is decoupled.
        const chain = graph.map((_, n) => [n === 0 ? 0 : n + 1, n === 0 ? 1 : n + 1] as const);
        const last = `t${chain.length + 1}`;
        const config = `${ensembleOf(chain, limit)} ${decoupled}`;
        const bench = new EnsembleBench(config, { add });
        const answered: Answered[] = [];
        const cancellations: Cancellation[] = [];
        for (const step of events) {
          const call = 'pick' in step ? open[step.pick % Math.max(1, open.length)] : undefined;
          if (step.kind === 'send') {
            const cancellation = new Cancellation();
            cancellations.push(cancellation);
            const inputs = [int32('t0', [1], 1), int32('t1', [1], 2)];
            answered.push(bench.send(inputs, { cancellation, outputNames: [last] }));
          } else if (step.kind === 'cancel') {
            cancellations[step.pick % Math.max(1, cancellations.length)]?.cancel();
          } else if (step.kind === 'advance') {
            bench.clock.advanceMs(200_000);
          } else if (step.kind === 'again') {
            ended[0]?.sink.fail(new TritonError('INTERNAL', 'late'));
          } else if (call !== undefined) {
            act(step.kind, call, open, ended);
          }
        }
        while (open.length > 0) act('end', open[0]!, open, ended);
        expect(answered.map(({ ends }) => ends)).toEqual(answered.map(() => 1));
        nothingLeft(bench, add);
      }),
      { numRuns: 300 },
    );
  });

  function act(kind: string, call: StepCall, open: StepCall[], ended: StepCall[]): void {
    const error = new TritonError('INTERNAL', 'broken');
    if (kind === 'content') answer(call, [int32('Z', [1], sum(call))], false);
    else if (kind === 'failOnce') call.sink.fail(error, { final: false });
    else {
      open.splice(open.indexOf(call), 1);
      ended.push(call);
      if (kind === 'end') call.sink.respond(null, true);
      else call.sink.fail(error);
    }
  }
});

function nothingLeft(bench: EnsembleBench, model: FakeStepModel): void {
  expect([model.retained, bench.scheduler.inflightCount, bench.clock.timerCount]).toEqual([
    0, 0, 0,
  ]);
}
