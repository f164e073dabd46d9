/**
 * Claim: what dynamic batching itself does for a request, from the queue to its answer, costs at most
 * 1.3 times what is done for a model without it, where the model does nothing: requests alone, and 32 at a time.
 * Schedulers in this process, no sockets.
 */
import { setImmediate } from 'node:timers/promises';
import { defaultRequestParameters, parseModelConfigText, type Tensor } from '@nereid/protocol';
import type { BackendInstance } from '../../packages/server/src/core/backend.ts';
import { Cancellation } from '../../packages/server/src/core/cancellation.ts';
import { systemClock } from '../../packages/server/src/core/clock.ts';
import type { Execution } from '../../packages/server/src/core/execution.ts';
import { silentLogger } from '../../packages/server/src/core/logger.ts';
import type { Scheduler } from '../../packages/server/src/core/scheduler.ts';
import { ModelStatistics } from '../../packages/server/src/observability/model-statistics.ts';
import { DynamicBatchScheduler } from '../../packages/server/src/scheduling/batching/dynamic-batch-scheduler.ts';
import { DefaultScheduler } from '../../packages/server/src/scheduling/default-scheduler.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 15;
const requestsPerRound = 40_000;
const warmUpRounds = 3;
const config = parseModelConfigText(
  `name: "m" max_batch_size: 32
input [ { name: "X" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "Y" data_type: TYPE_FP32 dims: [ 4 ] } ]
dynamic_batching { }`,
  'config.pbtxt',
);
const input: Tensor = { name: 'X', dataType: 'FP32', shape: [1, 4], data: new Uint8Array(16) };

/** A model that answers at once. */
const instance: BackendInstance = {
  name: 'm_0',
  execute(batch: readonly Execution[]) {
    const nowNs = systemClock.nowNs();
    for (const execution of batch) {
      execution.computeStartNs = nowNs;
      execution.computeInputEndNs = nowNs;
      execution.computeOutputStartNs = nowNs;
      execution.computeEndNs = nowNs + 1;
    }
    for (const { sink } of batch) sink.respond(response, true);
    return null;
  },
};
const response = { modelName: 'm', modelVersion: '1', id: '', parameters: new Map(), outputs: [] };

function schedulers(): readonly [Scheduler, Scheduler] {
  const statistics = new ModelStatistics(systemClock);
  const parts = { modelName: 'm', instances: [instance], statistics, clock: systemClock };
  const logger = silentLogger;
  return [
    new DefaultScheduler(parts),
    new DynamicBatchScheduler({ ...parts, config, logger, adaptive: null, startAtRequests: 0 }),
  ];
}

/** Processor time of a request, in microseconds, when so many come together. */
async function cost(scheduler: Scheduler, together: number): Promise<number> {
  let answered = 0;
  const sink = {
    respond(): void {
      answered++;
    },
    fail(error: Error): void {
      throw error;
    },
  };
  const before = process.cpuUsage();
  for (let sent = 0; sent < requestsPerRound; ) {
    for (let i = 0; i < together; i++, sent++) {
      const request = {
        id: '',
        parameters: defaultRequestParameters,
        inputs: [input],
        outputNames: ['Y'],
        batchSize: 1,
        cancellation: new Cancellation(),
        startNs: systemClock.nowNs(),
      };
      scheduler.enqueue(request, sink);
    }
    // Both go through a turn of the event loop, at whose end batches are formed.
    do await setImmediate();
    while (answered < sent);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requestsPerRound;
}

async function main(): Promise<void> {
  for (const together of [1, 32]) {
    const contestants = schedulers();
    const samples: readonly number[][] = contestants.map(() => []);
    for (let round = -warmUpRounds; round < rounds; round++) {
      for (const [index, scheduler] of contestants.entries()) {
        const took = await cost(scheduler, together);
        if (round >= 0) samples[index]?.push(took);
      }
    }
    const [without, batching] = samples as [number[], number[]];
    printTable(
      `A model that does nothing, ${together} at a time, ${rounds} rounds in turn`,
      [{ title: 'CPU, µs/request', digits: 2 }],
      [
        { name: 'without dynamic batching', samples: [without] },
        { name: 'dynamic_batching { }', samples: [batching] },
      ],
    );
    printVerdict(
      `CPU of a scheduled request with dynamic batching to that without, ${together} at a time`,
      ratioOf(batching, without),
      { atMost: 1.3 },
    );
  }
}

await main();
