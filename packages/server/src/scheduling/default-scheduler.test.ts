import { TritonError } from '@nereid/protocol';
import { ManualClock, RecordingTrace } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import type { BackendInstance } from '../core/backend.ts';
import { Cancellation } from '../core/cancellation.ts';
import type { Execution } from '../core/execution.ts';
import type { InferRequest } from '../core/infer-request.ts';
import type { InferResponse } from '../core/infer-response.ts';
import { ModelStatistics } from '../observability/model-statistics.ts';
import { DefaultScheduler } from './default-scheduler.ts';

/** An instance whose executions end when the test says so. */
class HeldInstance implements BackendInstance {
  readonly name = 'm_0';
  readonly executionsAhead: number;
  readonly held: { execution: Execution; release: () => void }[] = [];

  constructor(executionsAhead = 0) {
    this.executionsAhead = executionsAhead;
  }

  /** Those that it has, the one that runs first. */
  get ids(): readonly string[] {
    return this.held.map(({ execution }) => execution.request.id);
  }

  execute(batch: readonly Execution[]): Promise<void> {
    const execution = batch[0] as Execution;
    return new Promise((resolve) => this.held.push({ execution, release: resolve }));
  }

  async finish(): Promise<void> {
    const { execution, release } = this.held.shift() as (typeof this.held)[number];
    answer(execution);
    release();
    await Promise.resolve();
  }
}

function answer(execution: Execution): void {
  execution.computeStartNs = execution.queueStartNs;
  execution.computeInputEndNs = execution.computeStartNs;
  execution.computeOutputStartNs = execution.computeInputEndNs;
  execution.computeEndNs = execution.computeOutputStartNs + 1;
  const { id } = execution.request;
  execution.sink.respond(
    { modelName: 'm', modelVersion: '1', id, parameters: new Map(), outputs: [] },
    true,
  );
}

const inline: BackendInstance = {
  name: 'm_0',
  execute(batch) {
    for (const execution of batch) answer(execution);
    return null;
  },
};

function setUp(instances: readonly BackendInstance[], queueRequestsMax = 100) {
  const clock = new ManualClock();
  const statistics = new ModelStatistics(clock);
  const scheduler = new DefaultScheduler({
    modelName: 'm',
    instances,
    statistics,
    clock,
    queueRequestsMax,
  });
  const answers: string[] = [];
  const send = (id: string): Cancellation => {
    const cancellation = new Cancellation();
    const request = { id, batchSize: 1, cancellation, startNs: 0 } as unknown as InferRequest;
    scheduler.enqueue(request, {
      respond: (response: InferResponse | null) => answers.push(`ok ${response?.id}`),
      fail: (error: TritonError) => answers.push(`${error.code} ${id}`),
    });
    return cancellation;
  };
  return { scheduler, statistics, answers, send };
}

/** The trace of a request that comes after a millisecond. */
function traced(
  instance: BackendInstance,
  before: (scheduler: DefaultScheduler) => void = () => {},
): RecordingTrace {
  const clock = new ManualClock();
  clock.advanceMs(1);
  const scheduler = new DefaultScheduler({
    modelName: 'm',
    instances: [instance],
    statistics: new ModelStatistics(clock),
    clock,
  });
  before(scheduler);
  const trace = new RecordingTrace();
  const request = { id: 'a', batchSize: 1, cancellation: new Cancellation(), startNs: 0, trace };
  scheduler.enqueue(request as unknown as InferRequest, { respond() {}, fail() {} });
  return trace;
}

describe('DefaultScheduler', () => {
  it('answers within the call when the backend runs inline', () => {
    const { answers, send, scheduler, statistics } = setUp([inline]);
    send('a');
    expect(answers).toEqual(['ok a']);
    expect(scheduler.inflightCount).toBe(0);
    expect(statistics.snapshot()).toMatchObject({ inference_count: 1, execution_count: 1 });
  });

  it('takes requests in order, as many at once as there are instances', async () => {
    const [first, second] = [new HeldInstance(), new HeldInstance()];
    const { answers, send, scheduler } = setUp([first, second]);
    for (const id of ['a', 'b', 'c', 'd']) send(id);
    expect(scheduler.pendingCount).toBe(2);
    expect(scheduler.inflightCount).toBe(4);
    await second.finish();
    await first.finish();
    await second.finish();
    await first.finish();
    expect([...answers].sort()).toEqual(['ok a', 'ok b', 'ok c', 'ok d']);
    expect(answers.indexOf('ok c')).toBeGreaterThan(0);
    expect(scheduler.inflightCount).toBe(0);
  });

  it('drops a cancelled request from the queue and goes on with the others', async () => {
    const instance = new HeldInstance();
    const { answers, send, statistics } = setUp([instance]);
    send('a');
    const cancelled = send('b');
    send('c');
    cancelled.cancel();
    expect(answers).toEqual(['CANCELLED b']);
    await instance.finish();
    await instance.finish();
    expect(answers).toEqual(['CANCELLED b', 'ok a', 'ok c']);
    expect(statistics.counters().failureCounts.CANCELED).toBe(1);
  });

  it('refuses what exceeds the queue', () => {
    const { answers, send, statistics } = setUp([new HeldInstance()], 1);
    send('a');
    send('b');
    send('c');
    expect(answers).toEqual(['UNAVAILABLE c']);
    expect(statistics.counters().failureCounts.REJECTED).toBe(1);
  });

  it('stops when the last request is answered, and takes no more', async () => {
    const instance = new HeldInstance();
    const { answers, send, scheduler } = setUp([instance]);
    send('a');
    let stopped = false;
    const stop = scheduler.stop().then(() => {
      stopped = true;
    });
    send('b');
    expect(answers).toEqual(['UNAVAILABLE b']);
    expect(stopped).toBe(false);
    await instance.finish();
    await stop;
    expect(answers).toEqual(['UNAVAILABLE b', 'ok a']);
  });

  it('tells everybody who stops it when it has stopped', async () => {
    const instance = new HeldInstance();
    const { send, scheduler } = setUp([instance]);
    send('a');
    const stops = Promise.all([scheduler.stop(), scheduler.stop()]);
    await instance.finish();
    await stops;
    expect(scheduler.inflightCount).toBe(0);
  });

  it('answers a request whose backend forgot to', async () => {
    const forgetful: BackendInstance = { name: 'm_0', execute: () => null };
    const { answers, send } = setUp([forgetful]);
    send('a');
    expect(answers).toEqual(['INTERNAL a']);
  });

  it('reports the times of an execution to the trace of its request', () => {
    const { lines } = traced(inline);
    expect(lines).toEqual([
      'COMPUTE_START @1000000',
      'COMPUTE_INPUT_END @1000000',
      'COMPUTE_OUTPUT_START @1000000',
      'COMPUTE_END @1000001',
    ]);
  });

  it('reports an end of an execution that failed on its way', () => {
    const { lines } = traced({
      name: 'm_0',
      execute([execution]) {
        (execution as Execution).computeStartNs = 900_000;
        execution?.sink.fail(new TritonError('INTERNAL', 'no'));
        return null;
      },
    });
    expect(lines).toEqual([
      'COMPUTE_START @900000',
      'COMPUTE_INPUT_END @1000000',
      'COMPUTE_OUTPUT_START @1000000',
      'COMPUTE_END @1000000',
    ]);
  });

  it('reports no execution of a request that had none', () => {
    const { lines } = traced(inline, (scheduler) => void scheduler.stop());
    expect(lines).toEqual([]);
  });

  it('ignores a second answer', () => {
    const twice: BackendInstance = {
      name: 'm_0',
      execute([execution]) {
        answer(execution as Execution);
        execution?.sink.fail(new TritonError('INTERNAL', 'again'));
        return null;
      },
    };
    const { answers, send, scheduler } = setUp([twice]);
    send('a');
    expect(answers).toEqual(['ok a']);
    expect(scheduler.inflightCount).toBe(0);
  });

  it('gives what waits to a new instance, and nothing more to one that is taken away', async () => {
    const [old, fresh] = [new HeldInstance(), new HeldInstance()];
    const { scheduler, answers, send } = setUp([old]);
    for (const id of ['a', 'b', 'c']) send(id);
    let left = false;
    const replaced = scheduler.replaceInstances([fresh]).then(() => {
      left = true;
    });
    expect([old.held.length, fresh.held.length, left]).toEqual([1, 1, false]);
    await old.finish();
    await replaced;
    expect([old.held.length, answers]).toEqual([0, ['ok a']]);
    await fresh.finish();
    await fresh.finish();
    expect(answers).toEqual(['ok a', 'ok b', 'ok c']);
  });
});

describe('an instance that takes executions ahead', () => {
  it('gets them in order while it runs another; they count as pending', async () => {
    const instance = new HeldInstance(2);
    const { answers, send, scheduler } = setUp([instance]);
    for (const id of ['a', 'b', 'c', 'd', 'e']) send(id);
    expect(instance.ids).toEqual(['a', 'b', 'c']);
    expect([scheduler.pendingCount, scheduler.inflightCount]).toEqual([4, 5]);
    await instance.finish();
    expect(instance.ids).toEqual(['b', 'c', 'd']);
    for (let left = 4; left > 0; left--) {
      expect(scheduler.pendingCount).toBe(left - 1);
      await instance.finish();
    }
    expect(answers).toEqual(['ok a', 'ok b', 'ok c', 'ok d', 'ok e']);
    expect([scheduler.pendingCount, scheduler.inflightCount]).toEqual([0, 0]);
    send('f');
    expect(instance.ids).toEqual(['f']);
  });

  it('gets none where the model has several instances', () => {
    const instances = [new HeldInstance(2), new HeldInstance(2)];
    const { send, scheduler } = setUp(instances);
    for (const id of ['a', 'b', 'c']) send(id);
    expect(instances.map(({ ids }) => ids)).toEqual([['a'], ['b']]);
    expect(scheduler.pendingCount).toBe(1);
  });

  it('gets no more when the model gets another instance', async () => {
    const [old, fresh] = [new HeldInstance(2), new HeldInstance(2)];
    const { send, scheduler } = setUp([old]);
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) send(id);
    await scheduler.replaceInstances([old, fresh]);
    expect([old.ids, fresh.ids]).toEqual([['a', 'b', 'c'], ['d']]);
    await old.finish();
    await old.finish();
    expect(old.ids).toEqual(['c']);
    await old.finish();
    expect([old.ids, scheduler.pendingCount]).toEqual([['e'], 2]);
  });

  it('gets them when it becomes the only one', async () => {
    const [stays, goes] = [new HeldInstance(1), new HeldInstance(1)];
    const { send, scheduler } = setUp([stays, goes]);
    for (const id of ['a', 'b', 'c']) send(id);
    const replaced = scheduler.replaceInstances([stays]);
    expect([stays.ids, goes.ids]).toEqual([['a', 'c'], ['b']]);
    await goes.finish();
    await replaced;
  });

  it('has left when the last of them has ended', async () => {
    const [old, fresh] = [new HeldInstance(2), new HeldInstance(2)];
    const { answers, send, scheduler } = setUp([old]);
    for (const id of ['a', 'b', 'c']) send(id);
    let left = false;
    const replaced = scheduler.replaceInstances([fresh]).then(() => {
      left = true;
    });
    await old.finish();
    await old.finish();
    expect([left, old.ids, scheduler.pendingCount]).toEqual([false, ['c'], 0]);
    await old.finish();
    await replaced;
    expect(answers).toEqual(['ok a', 'ok b', 'ok c']);
  });
});
