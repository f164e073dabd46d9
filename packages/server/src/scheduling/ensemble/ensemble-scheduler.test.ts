import { TritonError } from '@nereid/protocol';
import { collectGarbage } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../core/cancellation.ts';
import { stepWaitMsMax } from './step-limiter.ts';
import {
  answer,
  EnsembleBench,
  FakeStepModel,
  int32,
  type StepCall,
  valuesOf,
} from './testing/ensemble-bench.ts';

const io = (kind: string, names: readonly string[], dims = '1', extra = ''): string =>
  names
    .map((name) => `${kind} { name: "${name}" data_type: TYPE_INT32 dims: [ ${dims} ] ${extra} }`)
    .join('\n');
const map = (field: string, entries: Record<string, string>): string =>
  Object.entries(entries)
    .map(([key, value]) => `${field} { key: "${key}" value: "${value}" }`)
    .join(' ');
const step = (
  model: string,
  inputs: Record<string, string>,
  outputs: Record<string, string>,
): string =>
  `step { model_name: "${model}" model_version: -1 ${map('input_map', inputs)} ${map('output_map', outputs)} }`;
const ensemble = (
  inputs: readonly string[],
  outputs: readonly string[],
  steps: readonly string[],
  extra = '',
): string =>
  `name: "e" platform: "ensemble" ${io('input', inputs)} ${io('output', outputs)} ${extra}
  ensemble_scheduling { ${steps.join('\n')} }`;
const modelConfig = (name: string, extra = '', dims = '1'): string =>
  `name: "${name}" ${io('input', ['X', 'Y'], dims, 'optional: true')} ${io('output', ['Z', 'W'], dims)} ${extra}`;

/** Z is the sum of the inputs, W their difference. */
function add(call: StepCall): void {
  const values = call.message.inputs.map((input) => valuesOf(input)[0] as number);
  const [x = 0, y = 0] = values;
  const shape = call.message.inputs[0]?.shape ?? [1];
  answer(call, [int32('Z', shape, x + y), int32('W', shape, x - y)]);
}

const held = (name: string, extra = ''): FakeStepModel =>
  new FakeStepModel(modelConfig(name, extra), () => {});
const adder = (name: string, extra = ''): FakeStepModel =>
  new FakeStepModel(modelConfig(name, extra), add);
const decoupled = 'model_transaction_policy { decoupled: true }';

const diamond = ensemble(
  ['A', 'B'],
  ['OUT'],
  [
    step('last', { X: 'left', Y: 'right' }, { Z: 'OUT' }),
    step('one', { X: 'A' }, { Z: 'left' }),
    step('two', { X: 'B' }, { Z: 'right' }),
  ],
);

describe('the flow of data', () => {
  it('starts a step when its inputs are there, and not before', () => {
    const [one, two, last] = [held('one'), held('two'), adder('last')];
    const bench = new EnsembleBench(diamond, { one, two, last });
    const sent = bench.send([int32('A', [1], 5), int32('B', [1], 7)], { id: 'r' });
    expect([one.calls.length, two.calls.length, last.calls.length]).toEqual([1, 1, 0]);
    answer(two.calls[0]!, [int32('Z', [1], 70)]);
    expect(last.calls).toHaveLength(0);
    answer(one.calls[0]!, [int32('Z', [1], 50)]);
    expect(sent.responses).toMatchObject([{ modelName: 'e', modelVersion: '1', id: 'r' }]);
    expect(sent.responses[0]?.outputs.map(valuesOf)).toEqual([[120]]);
    expect(sent.ends).toBe(1);
    expect([one.retained, two.retained, last.retained]).toEqual([0, 0, 0]);
    expect(last.calls[0]?.message.id).toBe('r');
  });

  it.each([
    [
      'each tensor is taken once',
      [step('one', { X: 'A' }, { Z: 'T' }), step('two', { X: 'T' }, { Z: 'OUT' })],
      '',
      true,
    ],
    [
      'one is taken twice',
      [step('one', { X: 'A' }, { Z: 'T' }), step('two', { X: 'T', Y: 'A' }, { Z: 'OUT' })],
      '',
      false,
    ],
    [
      'a step may answer again',
      [step('one', { X: 'A' }, { Z: 'T' }), step('two', { X: 'T' }, { Z: 'OUT' })],
      decoupled,
      false,
    ],
  ])('says whether steps own their inputs: %s', (_, steps, extra, owned) => {
    const [one, two] = [adder('one', extra), adder('two')];
    const bench = new EnsembleBench(ensemble(['A'], ['OUT'], steps, extra), { one, two });
    bench.send([int32('A', [1], 5)]);
    const calls = [...one.calls, ...two.calls];
    expect(calls.map(({ parent }) => parent.ownsInputs)).toEqual([owned, owned]);
  });

  it('gives the memory of all steps back with its answer', () => {
    const released: string[] = [];
    const giving = (name: string): FakeStepModel =>
      new FakeStepModel(modelConfig(name), ({ sink, message }) => {
        const head = { modelName: name, modelVersion: '1', id: message.id, parameters: new Map() };
        const outputs = [int32('Z', [1], 1)];
        sink.respond({ ...head, outputs, release: () => released.push(name) }, true);
      });
    const models = { one: giving('one'), two: giving('two'), last: giving('last') };
    const bench = new EnsembleBench(diamond, models);
    const sent = bench.send([int32('A', [1], 5), int32('B', [1], 7)]);
    expect(released).toEqual([]);
    sent.responses[0]?.release?.();
    expect(released).toEqual(['one', 'two', 'last']);
  });

  it('keeps nothing of what decoupled steps answered: nobody gives their memory back', async () => {
    const one = held('one', decoupled);
    const steps = [step('one', { X: 'A' }, { Z: 'OUT' })];
    const bench = new EnsembleBench(ensemble(['A'], ['OUT'], steps, decoupled), { one });
    const sent = bench.send([int32('A', [1], 5)]);
    const { sink, message } = one.calls[0]!;
    const answerOnce = (final: boolean): WeakRef<() => void> => {
      const release = (): void => {};
      const head = { modelName: 'one', modelVersion: '1', id: message.id, parameters: new Map() };
      sink.respond({ ...head, outputs: [int32('Z', [1], 1)], release }, final);
      return new WeakRef(release);
    };
    const first = answerOnce(false);
    await collectGarbage();
    expect(first.deref()).toBeUndefined();
    answerOnce(true);
    expect(sent.responses).toMatchObject([{}, {}]);
  });

  it('hands tensors on as they are', () => {
    const echo = new FakeStepModel(modelConfig('echo'), (call) => {
      const { data } = call.message.inputs[0]!;
      answer(call, [{ name: 'Z', dataType: 'INT32', shape: [1], data }]);
    });
    const steps = [
      step('echo', { X: 'IN' }, { Z: 'mid' }),
      step('echo', { X: 'mid' }, { Z: 'OUT' }),
    ];
    const bench = new EnsembleBench(ensemble(['IN'], ['OUT'], steps), { echo });
    const input = int32('IN', [1], 9);
    expect(bench.send([input]).responses[0]?.outputs[0]?.data).toBe(input.data);
  });

  it('runs only the steps that the wanted outputs need', () => {
    const [one, two] = [adder('one'), adder('two')];
    const steps = [step('one', { X: 'IN' }, { Z: 'P' }), step('two', { X: 'P' }, { Z: 'Q' })];
    const bench = new EnsembleBench(ensemble(['IN'], ['P', 'Q'], steps), { one, two });
    bench.send([int32('IN', [1], 1)], { outputNames: ['P'] });
    expect([one.calls.length, two.calls.length]).toEqual([1, 0]);
    // Q needs P's step, though P itself is not asked for.
    const sent = bench.send([int32('IN', [1], 1)], { outputNames: ['Q'] });
    expect(sent.responses[0]?.outputs.map(({ name }) => name)).toEqual(['Q']);
  });

  it('feeds one tensor to two inputs of a step', () => {
    const one = adder('one');
    const steps = [step('one', { X: 'IN', Y: 'IN' }, { Z: 'OUT' })];
    const bench = new EnsembleBench(ensemble(['IN'], ['OUT'], steps), { one });
    expect(bench.send([int32('IN', [1], 4)]).responses[0]?.outputs.map(valuesOf)).toEqual([[8]]);
  });

  it('survives chains that are longer than the stack', () => {
    const one = adder('one');
    const count = 3_000;
    const steps = Array.from({ length: count }, (_, i) =>
      step('one', { X: i === 0 ? 'IN' : `t${i}` }, { Z: i === count - 1 ? 'OUT' : `t${i + 1}` }),
    );
    const bench = new EnsembleBench(ensemble(['IN'], ['OUT'], steps), { one });
    expect(bench.send([int32('IN', [1], 3)]).responses[0]?.outputs.map(valuesOf)).toEqual([[3]]);
    expect(one.retained).toBe(0);
  });
});

describe('what may be left out', () => {
  const steps = [
    step('one', { X: 'IN', Y: 'MAYBE' }, { Z: 'mid', W: 'side' }),
    step('two', { X: 'mid', Y: 'side' }, { Z: 'OUT' }),
  ];
  const config = ensemble(['IN'], ['OUT'], steps, io('input', ['MAYBE'], '1', 'optional: true'));

  it('passes an optional input on where it was given', () => {
    const [one, two] = [adder('one'), adder('two')];
    const bench = new EnsembleBench(config, { one, two });
    bench.send([int32('IN', [1], 4), int32('MAYBE', [1], 1)]);
    bench.send([int32('IN', [1], 4)]);
    expect(one.calls.map(({ message }) => message.inputs.map(({ name }) => name))).toEqual([
      ['X', 'Y'],
      ['X'],
    ]);
  });

  it('treats an output that a step does not give as an optional input of the next', () => {
    const one = new FakeStepModel(modelConfig('one'), (call) => answer(call, [int32('Z', [1], 4)]));
    const two = adder('two');
    new EnsembleBench(config, { one, two }).send([int32('IN', [1], 4)]);
    expect(two.calls[0]?.message.inputs.map(({ name }) => name)).toEqual(['X']);
  });

  it('answers without an output that no step gave', () => {
    const one = new FakeStepModel(modelConfig('one'), (call) => answer(call, []));
    const bench = new EnsembleBench(
      ensemble(['IN'], ['OUT'], [step('one', { X: 'IN' }, { Z: 'OUT' })]),
      { one },
    );
    const sent = bench.send([int32('IN', [1], 4)]);
    expect(sent.responses).toMatchObject([{ outputs: [], parameters: new Map() }]);
  });

  it('says so when a step ends without any answer', () => {
    const one = new FakeStepModel(modelConfig('one'), ({ sink }) => sink.respond(null, true));
    const bench = new EnsembleBench(
      ensemble(['IN'], ['OUT'], [step('one', { X: 'IN' }, { Z: 'OUT' })]),
      { one },
    );
    const { error } = bench.send([int32('IN', [1], 4)]);
    expect(error?.message).toBe(
      "in ensemble 'e', [request id: <id_unknown>] unexpected deadlock, at least one output is not set while no more ensemble steps can be made",
    );
    expect(error?.code).toBe('INVALID_ARG');
  });
});

describe('decoupled steps', () => {
  const steps = [
    step('many', { X: 'IN' }, { Z: 'a', W: 'b' }),
    step('slow', { X: 'a' }, { Z: 'c' }),
    step('join', { X: 'b', Y: 'c' }, { Z: 'OUT' }),
  ];
  const config = ensemble(['IN'], ['OUT'], steps, decoupled);

  it('follows each answer, and joins only what came of the same one', () => {
    const [many, slow, join] = [held('many', decoupled), held('slow'), adder('join')];
    const bench = new EnsembleBench(config, { many, slow, join });
    const sent = bench.send([int32('IN', [1], 0)]);
    const first = many.calls[0]!;
    answer(first, [int32('Z', [1], 1), int32('W', [1], 10)], false);
    answer(first, [int32('Z', [1], 2), int32('W', [1], 20)], false);
    first.sink.respond(null, true);
    expect([sent.responses.length, sent.ends]).toEqual([0, 0]);
    // The second one overtakes the first.
    answer(slow.calls[1]!, [int32('Z', [1], 200)]);
    expect([sent.responses.length, sent.ends]).toEqual([1, 0]);
    answer(slow.calls[0]!, [int32('Z', [1], 100)]);
    expect(sent.responses.map(({ outputs }) => outputs.map(valuesOf))).toEqual([[[220]], [[110]]]);
    expect([sent.ends, many.retained, bench.scheduler.inflightCount]).toEqual([1, 0, 0]);
  });

  it('ends without an answer when there is none', () => {
    const many = new FakeStepModel(modelConfig('many', decoupled), ({ sink }) =>
      sink.respond(null, true),
    );
    const bench = new EnsembleBench(config, { many, slow: held('slow'), join: held('join') });
    const sent = bench.send([int32('IN', [1], 0)]);
    expect([sent.responses.length, sent.ends, sent.error]).toEqual([0, 1, null]);
  });

  it('takes no more of a step that is not decoupled than one answer', () => {
    const one = new FakeStepModel(modelConfig('one'), (call) => {
      answer(call, [int32('Z', [1], 1)], false);
      answer(call, [int32('Z', [1], 2)], false);
      call.sink.respond(null, true);
      call.sink.respond(null, true);
    });
    const bench = new EnsembleBench(
      ensemble(['IN'], ['OUT'], [step('one', { X: 'IN' }, { Z: 'OUT' })]),
      { one },
    );
    const sent = bench.send([int32('IN', [1], 4)]);
    expect(sent.responses.map(({ outputs }) => outputs.map(valuesOf))).toEqual([[[1]]]);
    expect([sent.ends, one.retained]).toEqual([1, 0]);
  });
});

describe('failures', () => {
  const broken = (): TritonError => new TritonError('NOT_FOUND', 'broken');

  it('answers with the first one, when no step reads the request any more', () => {
    const [one, two, last] = [held('one'), held('two'), held('last')];
    const bench = new EnsembleBench(diamond, { one, two, last });
    const sent = bench.send([int32('A', [1], 5), int32('B', [1], 7)]);
    one.calls[0]!.sink.fail(broken());
    expect(sent.ends).toBe(0);
    two.calls[0]!.sink.fail(new TritonError('INTERNAL', 'too'));
    expect(sent.error).toMatchObject({ code: 'NOT_FOUND', message: "in ensemble 'e', broken" });
    expect([sent.ends, last.calls.length, one.retained, two.retained]).toEqual([1, 0, 0, 0]);
  });

  it('waits for the end of a step that failed with one of its answers', () => {
    const many = held('many', decoupled);
    const config = ensemble(['IN'], ['OUT'], [step('many', { X: 'IN' }, { Z: 'OUT' })], decoupled);
    const bench = new EnsembleBench(config, { many });
    const sent = bench.send([int32('IN', [1], 5)]);
    many.calls[0]!.sink.fail(broken(), { final: false });
    answer(many.calls[0]!, [int32('Z', [1], 1)], false);
    expect([sent.ends, sent.responses.length]).toEqual([0, 0]);
    many.calls[0]!.sink.respond(null, true);
    expect([sent.ends, sent.error?.message]).toEqual([1, "in ensemble 'e', broken"]);
  });

  it('tells of a request that a model refuses, and of a model that is gone', () => {
    const one = new FakeStepModel(modelConfig('one'), () => {
      throw new TritonError('INVALID_ARG', '[request id: q] no');
    });
    const two = adder('two');
    const config = ensemble(
      ['IN'],
      ['OUT'],
      [step('two', { X: 'IN' }, { Z: 'mid' }), step('one', { X: 'mid' }, { Z: 'OUT' })],
    );
    const refused = new EnsembleBench(config, { one, two }).send([int32('IN', [1], 5)]);
    expect(refused.error?.message).toBe("in ensemble 'e', [request id: q] no");
    const gone = new EnsembleBench(config, { two }).send([int32('IN', [1], 5)]);
    expect(gone.error).toMatchObject({
      code: 'NOT_FOUND',
      message: "in ensemble 'e', Request for unknown model: 'one' is not found",
    });
    expect([gone.ends, one.retained, two.retained]).toEqual([1, 0, 0]);
  });

  it('keeps defects from the client', () => {
    const one = new FakeStepModel(modelConfig('one'), () => {
      throw new Error('secret');
    });
    const bench = new EnsembleBench(
      ensemble(['IN'], ['OUT'], [step('one', { X: 'IN' }, { Z: 'OUT' })]),
      { one },
    );
    const { error } = bench.send([int32('IN', [1], 4)]);
    expect(error?.message).toBe("in ensemble 'e', internal error, see the log of the server");
    expect(bench.errors.join()).toContain('secret');
  });

  it('shares the cancellation of the request with its steps', () => {
    const one = held('one');
    const bench = new EnsembleBench(
      ensemble(['IN'], ['OUT'], [step('one', { X: 'IN' }, { Z: 'OUT' })]),
      { one },
    );
    const cancellation = new Cancellation();
    bench.send([int32('IN', [1], 4)], { cancellation });
    cancellation.cancel();
    expect(one.calls[0]?.cancellation.cancelled).toBe(true);
  });

  it('takes nothing new when it is stopped, and stops when the last is answered', async () => {
    const one = held('one');
    const bench = new EnsembleBench(
      ensemble(['IN'], ['OUT'], [step('one', { X: 'IN' }, { Z: 'OUT' })]),
      { one },
    );
    bench.send([int32('IN', [1], 4)]);
    let stopped = false;
    const stop = bench.scheduler.stop().then(() => {
      stopped = true;
    });
    expect(bench.send([int32('IN', [1], 4)]).error?.code).toBe('UNAVAILABLE');
    await Promise.resolve();
    expect(stopped).toBe(false);
    add(one.calls[0]!);
    await stop;
    expect(bench.scheduler.inflightCount).toBe(0);
  });
});

describe('batches', () => {
  const config = (ensembleBatch: number, dims = '1'): string =>
    `name: "e" platform: "ensemble" max_batch_size: ${ensembleBatch} ${io('input', ['IN'], dims)} ${io('output', ['OUT'], dims)}
    ensemble_scheduling { ${step('one', { X: 'IN' }, { Z: 'mid' })} ${step('two', { X: 'mid' }, { Z: 'OUT' })} }`;
  const echo = (name: string, maxBatchSize: number, dims = '1'): FakeStepModel =>
    new FakeStepModel(modelConfig(name, `max_batch_size: ${maxBatchSize}`, dims), (call) => {
      const { shape, data } = call.message.inputs[0]!;
      answer(call, [{ name: 'Z', dataType: 'INT32', shape, data }]);
    });
  const shapesThrough = (
    shape: readonly number[],
    bench: { ensemble: number; one: FakeStepModel; two: FakeStepModel; dims?: string },
  ): unknown[] => {
    const { one, two } = bench;
    const made = new EnsembleBench(config(bench.ensemble, bench.dims), { one, two });
    const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 1);
    const sent = made.send([int32('IN', shape, ...values)], {
      batchSize: bench.ensemble > 0 ? (shape[0] as number) : 1,
    });
    return [one, two]
      .map((model) => model.calls[0]?.message.inputs[0]?.shape)
      .concat([sent.responses[0]?.outputs[0]?.shape]);
  };

  it('adds the dimension of a batch of one for a model that batches, and takes it off again', () => {
    const mixed = { ensemble: 0, one: echo('one', 0), two: echo('two', 4) };
    expect(shapesThrough([1], mixed)).toEqual([[1], [1, 1], [1]]);
  });

  it('gives a batch of one to a model without batching as what it expects', () => {
    const mixed = { ensemble: 4, one: echo('one', 4, '2'), two: echo('two', 0, '2'), dims: '2' };
    expect(shapesThrough([1, 2], mixed)).toEqual([[1, 2], [2], [1, 2]]);
  });

  it('passes a whole batch to a model without batching that expects it so', () => {
    const mixed = {
      ensemble: 4,
      one: echo('one', 4, '2'),
      two: echo('two', 0, '-1, 2'),
      dims: '2',
    };
    expect(shapesThrough([3, 2], mixed)).toEqual([
      [3, 2],
      [3, 2],
      [3, 2],
    ]);
  });
});

describe('parameters', () => {
  const config = ensemble(
    ['IN'],
    ['OUT'],
    [step('one', { X: 'IN' }, { Z: 'mid' }), step('two', { X: 'mid' }, { Z: 'OUT' })],
  );

  it('passes them to every step and tells of the sequence', () => {
    const [one, two] = [adder('one'), adder('two')];
    const custom = new Map([['k', { kind: 'int', value: 1 } as const]]);
    const parameters = { sequenceId: 7, sequenceStart: true, priority: 3, timeoutUs: 9, custom };
    const bench = new EnsembleBench(config, { one, two });
    const sent = bench.send([int32('IN', [1], 1)], { parameters });
    for (const { calls } of [one, two])
      expect(calls[0]?.message.parameters).toMatchObject(parameters);
    expect([...(sent.responses[0]?.parameters ?? [])]).toEqual([
      ['sequence_id', { kind: 'int', value: 7 }],
      ['sequence_start', { kind: 'bool', value: true }],
      ['sequence_end', { kind: 'bool', value: false }],
    ]);
  });

  it('lets a step put what follows into another sequence', () => {
    const one = new FakeStepModel(modelConfig('one'), (call) =>
      answer(
        call,
        [int32('Z', [1], 1)],
        true,
        new Map([
          ['sequence_id', { kind: 'string', value: 'other' }],
          ['sequence_end', { kind: 'bool', value: true }],
        ]),
      ),
    );
    const two = adder('two');
    const sent = new EnsembleBench(config, { one, two }).send([int32('IN', [1], 1)], {
      parameters: { sequenceId: 7, sequenceStart: true },
    });
    expect(two.calls[0]?.message.parameters).toMatchObject({
      sequenceId: 'other',
      sequenceStart: false,
      sequenceEnd: true,
    });
    expect(sent.responses[0]?.parameters.get('sequence_id')).toEqual({
      kind: 'string',
      value: 'other',
    });
  });

  it.each([
    [
      'sequence_id',
      "expected parameter 'sequence_id' to be TRITONSERVER_PARAMETER_INT or TRITONSERVER_PARAMETER_STRING",
    ],
    ['sequence_start', "expect parameter 'sequence_start' to be TRITONSERVER_PARAMETER_BOOL"],
    ['sequence_end', "expect parameter 'sequence_end' to be TRITONSERVER_PARAMETER_BOOL"],
  ])('refuses a %s of the wrong kind', (name, text) => {
    const one = new FakeStepModel(modelConfig('one'), (call) =>
      answer(call, [int32('Z', [1], 1)], true, new Map([[name, { kind: 'double', value: 1 }]])),
    );
    const { error } = new EnsembleBench(config, { one, two: adder('two') }).send([
      int32('IN', [1], 1),
    ]);
    expect(error?.message).toBe(`in ensemble 'e', ${text}`);
  });
});

describe('max_inflight_requests', () => {
  const config = (limit: number): string =>
    ensemble(
      ['IN'],
      ['OUT'],
      [
        `max_inflight_requests: ${limit}`,
        step('many', { X: 'IN' }, { Z: 'mid' }),
        step('slow', { X: 'mid' }, { Z: 'OUT' }),
      ],
      decoupled,
    );
  const setUp = (limit: number) => {
    const [many, slow] = [held('many', decoupled), held('slow')];
    const bench = new EnsembleBench(config(limit), { many, slow });
    const cancellation = new Cancellation();
    const sent = bench.send([int32('IN', [1], 0)], { cancellation });
    const first = many.calls[0]!;
    const produce = (value: number): void => answer(first, [int32('Z', [1], value)], false);
    return { many, slow, bench, sent, first, produce, cancellation };
  };

  it('holds the executions of a step back, and tells who makes them to wait', () => {
    const { slow, sent, first, produce } = setUp(2);
    for (const value of [1, 2]) produce(value);
    expect(first.parent.congested).toBe(false);
    produce(3);
    let relieved = 0;
    expect(first.parent.congested).toBe(true);
    first.parent.whenRelieved(() => relieved++);
    expect([slow.calls.length, relieved]).toEqual([2, 0]);
    add(slow.calls[0]!);
    expect([slow.calls.length, relieved, sent.responses.length]).toEqual([3, 1, 1]);
    first.sink.respond(null, true);
    for (const call of slow.calls.slice(1)) add(call);
    expect([sent.responses.length, sent.ends]).toEqual([3, 1]);
  });

  it('holds over all requests of the ensemble', () => {
    const { many, slow, bench } = setUp(1);
    bench.send([int32('IN', [1], 0)]);
    expect(many.calls).toHaveLength(1);
    many.calls[0]!.sink.respond(null, true);
    expect(many.calls).toHaveLength(2);
    expect(slow.calls).toHaveLength(0);
  });

  it('lets those go that are cancelled: their models tell them so', () => {
    const { slow, produce, cancellation } = setUp(1);
    for (const value of [1, 2, 3]) produce(value);
    expect(slow.calls).toHaveLength(1);
    cancellation.cancel();
    expect(slow.calls).toHaveLength(3);
  });

  it('forgets those that wait when a step has failed', () => {
    const { slow, produce, first, sent, many, bench } = setUp(1);
    for (const value of [1, 2, 3]) produce(value);
    let relieved = 0;
    first.parent.whenRelieved(() => relieved++);
    slow.calls[0]!.sink.fail(new TritonError('UNAVAILABLE', 'Exceeds maximum queue size'));
    first.sink.respond(null, true);
    expect([slow.calls.length, relieved, sent.ends]).toEqual([1, 1, 1]);
    expect([many.retained, slow.retained, bench.clock.timerCount]).toEqual([0, 0, 0]);
    bench.send([int32('IN', [1], 0)]);
    expect(many.calls).toHaveLength(2);
  });

  it('goes on after five minutes, with a word to the log', () => {
    const { slow, produce, bench } = setUp(1);
    for (const value of [1, 2]) produce(value);
    bench.clock.advanceMs(stepWaitMsMax - 1);
    expect(slow.calls).toHaveLength(1);
    bench.clock.advanceMs(1);
    expect(slow.calls).toHaveLength(2);
    expect(bench.errors.join()).toContain('waited 300 seconds for step 1');
  });
});

describe('statistics', () => {
  const config = ensemble(
    ['IN'],
    ['OUT'],
    [step('one', { X: 'IN' }, { Z: 'mid' }), step('one', { X: 'mid' }, { Z: 'OUT' })],
  );

  it('counts a request once, with the times of its steps added up', () => {
    const one = held('one');
    const bench = new EnsembleBench(config, { one });
    bench.send([int32('IN', [1], 1)]);
    for (const at of [0, 1]) {
      bench.clock.advanceMs(10);
      one.calls[at]!.parent.addDurations(1e6, 2e6, 3e6);
      add(one.calls[at]!);
    }
    expect(bench.statistics.snapshot()).toMatchObject({
      inference_count: 1,
      execution_count: 1,
      inference_stats: {
        success: { count: 1, ns: 20e6 },
        queue: { count: 1, ns: 0 },
        compute_input: { count: 1, ns: 2e6 },
        compute_infer: { count: 1, ns: 4e6 },
        compute_output: { count: 1, ns: 6e6 },
      },
      batch_stats: [{ batch_size: 1, compute_infer: { count: 1, ns: 4e6 } }],
    });
  });

  it('counts a failure twice, as Triton does', () => {
    const one = new FakeStepModel(modelConfig('one'), ({ sink }) =>
      sink.fail(new TritonError('INTERNAL', 'no')),
    );
    const bench = new EnsembleBench(config, { one });
    bench.send([int32('IN', [1], 1)]);
    expect(bench.statistics.counters().failureCounts.OTHER).toBe(2);
    expect(bench.statistics.snapshot()).toMatchObject({ inference_count: 0, execution_count: 0 });
  });
});
