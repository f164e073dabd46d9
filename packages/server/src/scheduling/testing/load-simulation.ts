import { parseModelConfigText } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import { Cancellation } from '../../core/cancellation.ts';
import type { Execution } from '../../core/execution.ts';
import { silentLogger } from '../../core/logger.ts';
import { ModelStatistics } from '../../observability/model-statistics.ts';
import { adaptiveSettingsOf } from '../batching/adaptive/adaptive-settings.ts';
import type { BatchingReport } from '../batching/batch-counters.ts';
import { DynamicBatchScheduler } from '../batching/dynamic-batch-scheduler.ts';
import { requestOf } from './batcher-bench.ts';
import { ManualTurn } from './manual-turn.ts';
import { SimulatedClock } from './simulated-clock.ts';

/** What a turn of the simulated event loop takes in which nothing happens. */
const turnNs = 5_000;

export interface Load {
  /** Fields of `dynamic_batching`. */
  readonly batching?: string;
  /** Model parameters, as `config.pbtxt` has them. */
  readonly parameters?: string;
  readonly maxBatchSize?: number;
  readonly instanceCount?: number;
  /** For how long an instance is busy with a batch. */
  readonly costNs: (batchSize: number) => number;
  /** Clients that send their next request some time after the answer to the last one. */
  readonly clients?: number;
  /** So many clients from some time on. */
  readonly later?: { readonly fromMs: number; readonly clients: number };
  /** Each time anew by `random`. */
  readonly returnNs?: (random: number) => number;
  /** Runs up to this size take the event loop up, as those of small models do: nothing else happens meanwhile. */
  readonly inlineMax?: number;
  /** What reading a request costs the event loop. */
  readonly readNs?: number;
  /** What is added to a run that would take so long, by a machine that has other things to do. */
  readonly disturbanceNs?: (nowNs: number, durationNs: number, random: () => number) => number;
  /** For the random numbers of clients and disturbances. */
  readonly seed?: number;
  /** Times at which requests come, whatever became of those before them. */
  readonly arrivalsNs?: readonly number[];
  readonly simulatedMs: number;
}

export interface LoadResult {
  readonly answers: number;
  /** Ascending. */
  readonly latenciesNs: readonly number[];
  /** Ascending. */
  readonly answerTimesNs: readonly number[];
  readonly report: BatchingReport;
}

/** Runs a dynamic batcher against clients and a model that exist only in a clock that is moved by hand. */
export async function simulateLoad(load: Load): Promise<LoadResult> {
  const { batching = '', parameters = '', maxBatchSize = 32, instanceCount = 1 } = load;
  const { inlineMax = 0, readNs = 0, disturbanceNs = () => 0 } = load;
  const disturbances = randomNumbers(load.seed ?? 1);
  const clock = new SimulatedClock();
  const turn = new ManualTurn();
  const runs: { readonly endNs: number; readonly end: () => void }[] = [];
  const latenciesNs: number[] = [];
  const answerTimesNs: number[] = [];
  const due: number[] = [...(load.arrivalsNs ?? [])];
  let clients = load.clients ?? 0;
  for (let i = 0; i < clients; i++) due.push(0);
  const instance = (index: number): BackendInstance => ({
    name: `m_${index}`,
    execute: (batch) => {
      const items = batch.reduce((sum, { request }) => sum + request.batchSize, 0);
      const startNs = clock.nowNs();
      const ownNs = load.costNs(items);
      const costNs = ownNs + disturbanceNs(startNs, ownNs, disturbances);
      if (items <= inlineMax) {
        clock.pass(costNs);
        answer(batch, startNs, clock.nowNs());
        return null;
      }
      return new Promise((resolve) => {
        runs.push({
          endNs: startNs + costNs,
          end: () => {
            answer(batch, startNs, clock.nowNs());
            resolve();
          },
        });
      });
    },
  });
  const config = parseModelConfigText(
    `max_batch_size: ${maxBatchSize} input [ { name: "A" dims: [ -1 ] } ] dynamic_batching { ${batching} } ${parameters}`,
    'config.pbtxt',
  );
  const scheduler = new DynamicBatchScheduler({
    modelName: 'm',
    config,
    instances: Array.from({ length: instanceCount }, (_, index) => instance(index)),
    statistics: new ModelStatistics(clock),
    clock,
    logger: silentLogger,
    turn,
    adaptive: adaptiveSettingsOf(config),
  });
  const random = randomNumbers(load.seed ?? 1);
  const isLater = () => clock.nowNs() >= (load.later?.fromMs ?? Number.POSITIVE_INFINITY) * 1e6;
  const send = (sentNs: number): void => {
    scheduler.enqueue(requestOf('', {}, new Cancellation(), clock), {
      respond: () => {
        latenciesNs.push(clock.nowNs() - sentNs);
        answerTimesNs.push(clock.nowNs());
        if (load.clients === undefined) return;
        if (isLater() && clients > (load.later?.clients ?? 0)) {
          clients--;
          return;
        }
        due.push(clock.nowNs() + (load.returnNs?.(random()) ?? 0));
        due.sort((a, b) => a - b);
      },
      fail: (error) => {
        throw error;
      },
    });
  };
  while (clock.nowNs() < load.simulatedMs * 1e6) {
    const nowNs = clock.nowNs();
    clock.ring();
    for (; isLater() && clients < (load.later?.clients ?? 0); clients++) due.push(nowNs);
    for (const run of runs.filter(({ endNs }) => endNs <= nowNs)) {
      runs.splice(runs.indexOf(run), 1);
      run.end();
      await Promise.resolve();
    }
    while (due.length > 0 && (due[0] as number) <= nowNs) {
      const dueNs = due.shift() as number;
      clock.pass(readNs);
      send(dueNs);
    }
    turn.end();
    await Promise.resolve();
    const nextNs = Math.min(due[0] ?? Infinity, clock.nextTimerNs, ...runs.map((run) => run.endNs));
    clock.pass(turn.awaited ? turnNs : Math.max(turnNs, nextNs - clock.nowNs()));
  }
  latenciesNs.sort((a, b) => a - b);
  const report = scheduler.batchingReport();
  return { answers: latenciesNs.length, latenciesNs, answerTimesNs, report };
}

function answer(batch: readonly Execution[], startNs: number, endNs: number): void {
  for (const execution of batch) {
    execution.computeStartNs = startNs;
    execution.computeInputEndNs = startNs;
    execution.computeOutputStartNs = endNs;
    execution.computeEndNs = endNs;
    const { id } = execution.request;
    const response = { modelName: 'm', modelVersion: '1', id, parameters: new Map(), outputs: [] };
    execution.sink.respond(response, true);
  }
}

/** Numbers from 0 to 1, the same ones every time. */
function randomNumbers(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Times of so many arrivals a second, independent of one another. */
export function poissonArrivalsNs(perSecond: number, durationMs: number): number[] {
  const random = randomNumbers(7);
  const times: number[] = [];
  for (let ns = 0; ns < durationMs * 1e6; ) {
    ns += (-Math.log(1 - random()) / perSecond) * 1e9;
    times.push(ns);
  }
  return times;
}
