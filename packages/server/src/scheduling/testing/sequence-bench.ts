import {
  defaultRequestParameters,
  parseModelConfigText,
  type Tensor,
  type TritonError,
} from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import type { BackendInstance } from '../../core/backend.ts';
import { Cancellation } from '../../core/cancellation.ts';
import type { Execution } from '../../core/execution.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { ErrorAnswer, InferResponse } from '../../core/infer-response.ts';
import type { Logger } from '../../core/logger.ts';
import { normaliseConfig } from '../../model-config/normalise.ts';
import { ModelStatistics } from '../../observability/model-statistics.ts';
import type { StateSettings } from '../sequence/kept-states.ts';
import type { SchedulerHold } from '../sequence/scheduler-hold.ts';
import { SequenceBatchScheduler } from '../sequence/sequence-batch-scheduler.ts';
import { ManualTurn } from './manual-turn.ts';

/** What a test says of a request; it is neither first nor last of its sequence otherwise. */
export interface SequenceSend {
  readonly start?: boolean;
  readonly end?: boolean;
  readonly size?: number;
  readonly shape?: readonly number[];
  readonly timeoutUs?: number;
}

export interface SequenceBenchOptions {
  readonly maxBatchSize?: number;
  readonly instanceCount?: number;
  /** Executions end when the test says so; otherwise within the call. */
  readonly held?: boolean;
  readonly states?: readonly StateSettings[];
  readonly queueRequestsMax?: number;
  readonly hold?: SchedulerHold;
  /** Called with each row that holds a request, instead of answering it. */
  readonly execute?: (execution: Execution) => void;
}

/** A sequence batcher under test, its surroundings, and what it did. */
export interface SequenceBench {
  readonly clock: ManualClock;
  readonly turn: ManualTurn;
  readonly statistics: ModelStatistics;
  readonly scheduler: SequenceBatchScheduler;
  /** Rows of each batch, `-` for one without a request, behind the instance's number: `0: a - b`. */
  readonly batches: readonly string[];
  /** The same batches, as the backend got them. */
  readonly executed: readonly (readonly Execution[])[];
  /** `ok ID` or `CODE ID: text`, in the order in which they came. */
  readonly answers: string[];
  readonly warnings: string[];
  /** Executions that go on. */
  readonly running: readonly (() => void)[];
  /** Gives the model these instances, by number; resolves when those that it had besides have ended. */
  replaceInstances(indices: readonly number[]): Promise<void>;
  send(sequence: number | bigint | string | null, id: string, sent?: SequenceSend): Cancellation;
  /** Ends the run that began first, of those that go on, or the one at the index. */
  finish(index?: number): Promise<void>;
}

/** @param batching Fields of `sequence_batching`. The model has one input, of any size. */
export function sequenceBench(batching: string, options: SequenceBenchOptions = {}): SequenceBench {
  const { held = false, instanceCount = 1, maxBatchSize = 4 } = options;
  const clock = new ManualClock();
  const turn = new ManualTurn();
  const statistics = new ModelStatistics(clock);
  const batches: string[] = [];
  const executed: (readonly Execution[])[] = [];
  const running: (() => void)[] = [];
  const warnings: string[] = [];
  const answers: string[] = [];
  const answerAll = (batch: readonly Execution[]): void => {
    for (const execution of batch) setTimes(execution, clock);
    for (const execution of batch) (options.execute ?? answer)(execution);
  };
  const newInstance = (index: number): BackendInstance => ({
    name: `m_${index}`,
    execute(batch) {
      batches.push(`${index}: ${batch.map(({ request }) => request.id || '-').join(' ')}`);
      executed.push(batch);
      if (held) {
        return new Promise((resolve) => {
          running.push(() => {
            answerAll(batch);
            resolve();
          });
        });
      }
      answerAll(batch);
      return null;
    },
  });
  const made = new Map<number, BackendInstance>();
  const instance = (index: number): BackendInstance => {
    const known = made.get(index) ?? newInstance(index);
    made.set(index, known);
    return known;
  };
  const config = normaliseConfig(
    parseModelConfigText(
      `name: "m" max_batch_size: ${maxBatchSize} input [ { name: "A" data_type: TYPE_INT32 dims: [ -1 ] } ] sequence_batching { ${batching} }`,
      'config.pbtxt',
    ),
  );
  const scheduler = new SequenceBatchScheduler({
    modelName: 'm',
    config,
    states: options.states ?? [],
    instances: Array.from({ length: instanceCount }, (_, index) => instance(index)),
    statistics,
    clock,
    logger: collecting(warnings),
    turn,
    hold: options.hold ?? null,
    ...(options.queueRequestsMax === undefined
      ? {}
      : { queueRequestsMax: options.queueRequestsMax }),
  });
  const send: SequenceBench['send'] = (sequenceId, id, sent = {}) => {
    const cancellation = new Cancellation();
    const { size = 1, shape = [1], start = false, end = false, timeoutUs = 0 } = sent;
    const input: Tensor = {
      name: 'A',
      dataType: 'INT32',
      shape: maxBatchSize > 0 ? [size, ...shape] : shape,
      data: new Uint8Array(4 * size * shape.reduce((product, dim) => product * dim, 1)),
    };
    const request: InferRequest = {
      id,
      parameters: {
        ...defaultRequestParameters,
        sequenceId,
        sequenceStart: start,
        sequenceEnd: end,
        timeoutUs,
      },
      inputs: [input],
      outputNames: ['OUT'],
      batchSize: size,
      cancellation,
      startNs: clock.nowNs(),
    };
    scheduler.enqueue(request, {
      respond(response: InferResponse | null, final: boolean) {
        answers.push(`${final ? 'ok' : 'part'} ${response?.id ?? id}`);
      },
      fail(error: TritonError, given?: ErrorAnswer) {
        answers.push(
          `${given?.final === false ? 'part ' : ''}${error.code} ${id}: ${error.message}`,
        );
      },
    });
    return cancellation;
  };
  const finish = async (index = 0): Promise<void> => {
    running.splice(index, 1)[0]?.();
    await Promise.resolve();
    turn.end();
  };
  const bench = { clock, turn, statistics, scheduler, batches, executed, answers, warnings };
  const replaceInstances = (indices: readonly number[]): Promise<void> =>
    scheduler.replaceInstances(indices.map(instance));
  return { ...bench, running, replaceInstances, send, finish };
}

function setTimes(execution: Execution, clock: ManualClock): void {
  execution.computeStartNs = clock.nowNs();
  execution.computeInputEndNs = clock.nowNs();
  execution.computeOutputStartNs = clock.nowNs();
  execution.computeEndNs = clock.nowNs() + 1;
}

function answer({ request: { id }, sink }: Execution): void {
  sink.respond({ modelName: 'm', modelVersion: '1', id, parameters: new Map(), outputs: [] }, true);
}

function collecting(warnings: string[]): Logger {
  return {
    info() {},
    warning: (text: string) => warnings.push(text),
    error: (text: string) => warnings.push(text),
    verbose() {},
    isVerbose: () => false,
  } as unknown as Logger;
}
