import type { TritonError } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { expect, test } from 'vitest';
import { Cancellation } from '../../core/cancellation.ts';
import type { Execution } from '../../core/execution.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import { silentLogger } from '../../core/logger.ts';
import { CustomMetrics } from '../../observability/custom-metrics.ts';
import { CallChains } from './call-chains.ts';
import type { NumberedRequest } from './open-request.ts';
import { WorkerInstance } from './worker-instance.ts';
import { type ChannelListener, type WorkerChannel, WorkerLife } from './worker-life.ts';
import type { WorkerMessage } from './worker-message.ts';

const noTensors = { take: () => [], kept: () => noTensors };

/** A worker that says what the test has it say. */
class ScriptedWorker implements WorkerChannel {
  readonly pid = null;
  readonly ended = Promise.resolve();
  readonly lastErrorLine = '';
  /** Batches in the order in which they came. */
  readonly batches: { number: number; requests: readonly NumberedRequest[] }[] = [];
  readonly cancelled: number[] = [];
  readonly #listener: ChannelListener;

  constructor(listener: ChannelListener) {
    this.#listener = listener;
  }

  send(message: { kind: string; request?: number }): void {
    if (message.kind === 'initialize') {
      this.say({ kind: 'done', of: 'initialize', error: null });
    } else if (message.kind === 'cancel') {
      this.cancelled.push(message.request as number);
    }
  }

  execute(number: number, requests: readonly NumberedRequest[]): void {
    this.batches.push({ number, requests });
  }

  kill(): void {}

  say(message: WorkerMessage): void {
    this.#listener.received(message, noTensors);
  }

  /** Answers the first batch that it has. */
  async answer(how: { skipped?: boolean } = {}): Promise<void> {
    const { number } = this.batches.shift() as (typeof this.batches)[number];
    const responses = how.skipped === true ? [] : [{ tensors: [] }];
    this.say({ kind: 'result', batch: number, error: null, responses, ...how });
    await settled();
  }

  async die(): Promise<void> {
    this.#listener.ended('signal SIGSEGV');
    await settled();
  }
}

/** Lets what waits for promises go on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

async function setUp() {
  const clock = new ManualClock();
  const workers: ScriptedWorker[] = [];
  const texts = {
    worker: 'Worker',
    unhealthy: () => 'no worker',
    died: () => 'died',
    calledDecoupled: () => '',
    refused: (_model: string, error: TritonError) => error,
  };
  const instance = await WorkerInstance.start({
    name: 'm_0',
    modelName: 'm',
    modelVersion: '1',
    decoupled: false,
    batches: false,
    reschedules: false,
    executionsAhead: 2,
    startWorker: async (owner) => {
      const life = new WorkerLife({
        instanceName: 'm_0',
        open: (listener) => {
          const worker = new ScriptedWorker(listener);
          workers.push(worker);
          return worker;
        },
        endTimeoutMs: 1000,
        initializeTimeoutMs: 1000,
        texts: { late: () => 'late', gone: () => 'gone' },
        metrics: new CustomMetrics([]),
        clock,
        logger: silentLogger,
      });
      await life.initialize({}, false, owner);
      return life;
    },
    port: {} as InferencePort,
    chains: new CallChains(),
    texts,
    clock,
    logger: silentLogger,
  });
  const answers: string[] = [];
  const send = (id: string): { execution: Execution; cancellation: Cancellation } => {
    const cancellation = new Cancellation();
    const request = { id, inputs: [], outputNames: [], batchSize: 1, cancellation, startNs: 0 };
    const execution = {
      request,
      sink: {
        respond: () => answers.push(`ok ${id}`),
        fail: (error: TritonError) => answers.push(`${error.message} ${id}`),
      },
      queueStartNs: 0,
      computeStartNs: 0,
      computeInputEndNs: 0,
      computeOutputStartNs: 0,
      computeEndNs: 0,
    } as unknown as Execution;
    void instance.execute([execution])?.then(() => answers.push(`free of ${id}`));
    return { execution, cancellation };
  };
  const worker = (): ScriptedWorker => workers.at(-1) as ScriptedWorker;
  return { clock, worker, answers, send };
}

test('a batch that was sent ahead begins when the one before it has ended', async () => {
  const { clock, worker, answers, send } = await setUp();
  clock.advanceMs(1);
  const [{ execution: a }, { execution: b }] = [send('a'), send('b')];
  expect([a.computeStartNs, b.computeStartNs]).toEqual([1e6, 0]);
  clock.advanceMs(4);
  await worker().answer();
  expect([a.computeEndNs, b.computeStartNs, b.computeInputEndNs]).toEqual([5e6, 5e6, 5e6]);
  clock.advanceMs(2);
  await worker().answer();
  expect([b.computeOutputStartNs, b.computeEndNs]).toEqual([7e6, 7e6]);
  expect(answers).toEqual(['ok a', 'free of a', 'ok b', 'free of b']);
});

test('a request that is cancelled before it began is answered at once and not timed', async () => {
  const { worker, answers, send } = await setUp();
  send('a');
  const { execution, cancellation } = send('b');
  send('c');
  const number = worker().batches[1]?.requests[0]?.number;
  cancellation.cancel();
  expect(answers).toEqual(["request to model 'm' was cancelled b"]);
  expect(worker().cancelled).toEqual([number]);
  answers.length = 0;
  await worker().answer();
  await worker().answer({ skipped: true });
  await worker().answer();
  expect(answers).toEqual(['ok a', 'free of a', 'free of b', 'ok c', 'free of c']);
  expect(execution.computeEndNs).toBe(0);
});

test('a worker that dies takes only what it worked on with it', async () => {
  const { worker, answers, send } = await setUp();
  for (const id of ['a', 'b', 'c']) send(id);
  await worker().answer();
  answers.length = 0;
  const dying = worker();
  send('d');
  await dying.die();
  expect(worker()).not.toBe(dying);
  expect(answers).toEqual(['died b', 'free of b']);
  expect(worker().batches.map(({ requests }) => requests[0]?.request.id)).toEqual(['c', 'd']);
  send('e');
  for (let left = 3; left > 0; left--) await worker().answer();
  expect(answers.slice(2)).toEqual([
    ...['ok c', 'free of c', 'ok d', 'free of d', 'ok e', 'free of e'],
  ]);
});

test('what was sent ahead to a worker that keeps dying fails as what waits behind it', async () => {
  const { clock, worker, answers, send } = await setUp();
  send('a');
  await worker().die();
  for (const id of ['b', 'c']) send(id);
  answers.length = 0;
  await worker().die();
  expect(answers).toEqual(['died b', 'free of b', 'no worker c', 'free of c']);
  clock.advanceMs(100);
  await settled();
  answers.length = 0;
  send('d');
  await worker().answer();
  expect(answers).toEqual(['ok d', 'free of d']);
});

test('a request that was cancelled ahead is not sent to the next worker', async () => {
  const { worker, answers, send } = await setUp();
  send('a');
  send('b').cancellation.cancel();
  send('c');
  await worker().die();
  expect(worker().batches.map(({ requests }) => requests[0]?.request.id)).toEqual(['c']);
  await worker().answer();
  expect(answers.filter((answer) => !answer.startsWith('free'))).toEqual([
    "request to model 'm' was cancelled b",
    'died a',
    'ok c',
  ]);
});
