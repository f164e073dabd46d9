/**
 * Claim: at seven tenths of the highest load, with requests that come whether or not those before them
 * are answered, 99 of 100 requests for a model with dynamic batching and no other setting are answered in at most
 * ten times the median.
 */
import { ServerProcess } from '@nereid/test-kit';
import { layeredColumns, layeredModel } from '../harness/bench-models.ts';
import { repositoryOf } from '../harness/bench-repository.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { binaryAnswer, binaryInference, postBytes } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 5;
const roundMs = 3000;
const loadShare = 0.7;
/** Of the closed loop that finds the highest load. */
const closedClients = 32;
/** Requests in flight at most: what comes beyond that waits in this process, and its wait counts. */
const connectionsMax = 256;

const tensor = (name: string): string =>
  `{ name: "${name}" data_type: TYPE_FP32 dims: [ ${layeredColumns} ] }`;
const config = `backend: "onnxruntime"
max_batch_size: 32
input [ ${tensor('INPUT')} ]
output [ ${tensor('OUTPUT')} ]
dynamic_batching { }
parameters { key: "intra_op_thread_count" value: { string_value: "1" } }`;

/** Answers a second that clients get who ask again at once. */
async function highestRate(clients: readonly KeepAliveClient[], request: Buffer): Promise<number> {
  const begin = performance.now();
  let count = 0;
  await Promise.all(
    clients.slice(0, closedClients).map(async (client) => {
      while (performance.now() < begin + roundMs) {
        binaryAnswer(await client.ask(request));
        count += 1;
      }
    }),
  );
  return (count * 1000) / (performance.now() - begin);
}

/** Milliseconds from when each request was due to its answer, ascending; due at random, independent times. */
async function latenciesAt(
  perSecond: number,
  clients: readonly KeepAliveClient[],
  request: Buffer,
): Promise<number[]> {
  const latencies: number[] = [];
  const idle = [...clients];
  const waiting: number[] = [];
  const running = new Set<Promise<void>>();
  const send = (client: KeepAliveClient, dueMs: number): void => {
    const answered = client.ask(request).then((answer) => {
      binaryAnswer(answer);
      latencies.push(performance.now() - dueMs);
      const next = waiting.shift();
      if (next === undefined) idle.push(client);
      else send(client, next);
    });
    running.add(answered);
    void answered.finally(() => running.delete(answered));
  };
  const begin = performance.now();
  const gapMs = (): number => (-Math.log(1 - Math.random()) * 1000) / perSecond;
  let dueMs = begin;
  while (dueMs < begin + roundMs) {
    for (; dueMs <= performance.now(); dueMs += gapMs()) {
      const client = idle.pop();
      if (client === undefined) waiting.push(dueMs);
      else send(client, dueMs);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (running.size > 0) await Promise.all(running);
  return latencies.sort((left, right) => left - right);
}

async function main(): Promise<void> {
  const repository = repositoryOf({
    'layered/config.pbtxt': config,
    'layered/1/model.onnx': layeredModel(),
  });
  const server = await ServerProcess.start({ flags: [`--model-repository=${repository}`] });
  const data = new Uint8Array(new Float32Array(layeredColumns).fill(0.5).buffer);
  const input = { name: 'INPUT', datatype: 'FP32', shape: [1, layeredColumns], data };
  const request = postBytes(binaryInference('layered', [input]));
  const clients = await Promise.all(
    Array.from({ length: connectionsMax }, () => KeepAliveClient.connect(server.port)),
  );
  await highestRate(clients, request);
  const rates: number[] = [];
  const medians: number[] = [];
  const tails: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const highest = await highestRate(clients, request);
    const latencies = await latenciesAt(loadShare * highest, clients, request);
    rates.push(loadShare * highest);
    medians.push(latencies[Math.floor(latencies.length * 0.5)]!);
    tails.push(latencies[Math.floor(latencies.length * 0.99)]!);
  }
  printTable(
    `Two megabytes of weights at ${loadShare} of the highest load, ${rounds} rounds of ${roundMs} ms`,
    [{ title: 'requests/s asked', digits: 0 }],
    [{ name: 'open loop', samples: [rates] }],
  );
  printTable(
    'Latency from when a request was due',
    [{ title: 'ms', digits: 2 }],
    [
      { name: 'median', samples: [medians] },
      { name: '99th percentile', samples: [tails] },
    ],
  );
  printVerdict(
    '99th percentile to the median at 0.7 of the highest load',
    ratioOf(tails, medians),
    {
      atMost: 10,
    },
  );
  for (const client of clients) client.close();
  await server.stop();
}

await main();
