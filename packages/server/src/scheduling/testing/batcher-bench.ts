import { parseModelConfigText, type Tensor, type TritonError } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import type { BackendInstance } from '../../core/backend.ts';
import { Cancellation } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';
import type { Execution } from '../../core/execution.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { InferResponse } from '../../core/infer-response.ts';
import { silentLogger } from '../../core/logger.ts';
import { ModelStatistics } from '../../observability/model-statistics.ts';
import { DynamicBatchScheduler } from '../batching/dynamic-batch-scheduler.ts';
import { ManualTurn } from './manual-turn.ts';

export interface SendOptions {
  readonly size?: number;
  readonly shape?: readonly number[];
  readonly inputs?: readonly string[];
  readonly priority?: number;
  readonly timeoutUs?: number;
}

export interface BatcherOptions {
  /** Executions end when the test says so; otherwise within the call. */
  readonly held?: boolean;
  readonly instanceCount?: number;
  readonly maxBatchSize?: number;
  readonly queueRequestsMax?: number;
  readonly startAtRequests?: number;
  /** Learns how to batch. */
  readonly adaptive?: boolean;
  readonly inputFields?: string;
}

/** A batcher under test, its surroundings, and what it did. */
export interface BatcherBench {
  readonly clock: ManualClock;
  readonly turn: ManualTurn;
  readonly statistics: ModelStatistics;
  readonly scheduler: DynamicBatchScheduler;
  /** Ids of each batch, in the order in which batches were sent. */
  readonly batches: readonly string[][];
  /** `ok ID` or `CODE ID: text`, in the order in which they came. */
  readonly answers: string[];
  /** When the request of an id was executed, and when it was answered; `Clock.nowNs`. */
  readonly startsNs: ReadonlyMap<string, number>;
  readonly endsNs: ReadonlyMap<string, number>;
  /** Executions that go on. */
  readonly running: readonly (() => void)[];
  send(id: string, sent?: SendOptions): Cancellation;
  /** Ends the run that began first, of those that go on, or the one at the index. */
  finish(index?: number): Promise<void>;
}

/** @param batching Fields of `dynamic_batching`. The model has two inputs, A and B, of any size. */
export function batcherBench(batching: string, options: BatcherOptions = {}): BatcherBench {
  const { held = false, instanceCount = 1, maxBatchSize = 8, inputFields = '' } = options;
  const clock = new ManualClock();
  const turn = new ManualTurn();
  const statistics = new ModelStatistics(clock);
  const batches: string[][] = [];
  const startsNs = new Map<string, number>();
  const endsNs = new Map<string, number>();
  const running: (() => void)[] = [];
  const instance = (index: number): BackendInstance => ({
    name: `m_${index}`,
    execute(batch) {
      batches.push(batch.map(({ request }) => request.id));
      for (const execution of batch) {
        execution.computeStartNs = clock.nowNs();
        startsNs.set(execution.request.id, clock.nowNs());
      }
      if (!held) {
        answerAll(batch, clock);
        return null;
      }
      return new Promise((resolve) => {
        running.push(() => {
          answerAll(batch, clock);
          resolve();
        });
      });
    },
  });
  const config = parseModelConfigText(
    `max_batch_size: ${maxBatchSize} input [ { name: "A" dims: [ -1 ] ${inputFields} }, { name: "B" dims: [ -1 ] } ] dynamic_batching { ${batching} }`,
    'config.pbtxt',
  );
  const scheduler = new DynamicBatchScheduler({
    modelName: 'm',
    config,
    instances: Array.from({ length: instanceCount }, (_, index) => instance(index)),
    statistics,
    clock,
    logger: silentLogger,
    turn,
    ...(options.queueRequestsMax === undefined
      ? {}
      : { queueRequestsMax: options.queueRequestsMax }),
    startAtRequests: options.startAtRequests ?? 0,
    adaptive: options.adaptive === true ? { latencyTargetNs: null } : null,
  });
  const answers: string[] = [];
  const send = (id: string, sent: SendOptions = {}): Cancellation => {
    const cancellation = new Cancellation();
    const answer = (text: string): void => {
      endsNs.set(id, clock.nowNs());
      answers.push(text);
    };
    scheduler.enqueue(requestOf(id, sent, cancellation, clock), {
      respond: (response: InferResponse | null) => answer(`ok ${response?.id}`),
      fail: (error: TritonError) => answer(`${error.code} ${id}: ${error.message}`),
    });
    return cancellation;
  };
  const finish = async (index = 0): Promise<void> => {
    running.splice(index, 1)[0]?.();
    await Promise.resolve();
    turn.end();
  };
  return {
    clock,
    turn,
    statistics,
    scheduler,
    batches,
    answers,
    startsNs,
    endsNs,
    running,
    send,
    finish,
  };
}

/** A request for the bench's model. */
export function requestOf(
  id: string,
  { size = 1, shape = [2], inputs = ['A'], priority = 0, timeoutUs = 0 }: SendOptions,
  cancellation: Cancellation,
  clock: Clock,
): InferRequest {
  const tensor = (name: string): Tensor => ({
    name,
    dataType: 'FP32',
    shape: [size, ...shape],
    data: new Uint8Array(),
  });
  return {
    id,
    parameters: { priority, timeoutUs },
    inputs: inputs.map(tensor),
    batchSize: size,
    cancellation,
    startNs: clock.nowNs(),
  } as unknown as InferRequest;
}

function answerAll(batch: readonly Execution[], clock: ManualClock): void {
  for (const execution of batch) {
    execution.computeInputEndNs = execution.computeStartNs;
    execution.computeOutputStartNs = clock.nowNs();
    execution.computeEndNs = clock.nowNs() + 1;
    const { id } = execution.request;
    const response = { modelName: 'm', modelVersion: '1', id, parameters: new Map(), outputs: [] };
    execution.sink.respond(response, true);
  }
}
