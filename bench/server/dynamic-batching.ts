/**
 * Claim: for a model that reads two megabytes of weights for every run, dynamic batching with no
 * settings at all answers at least 1.4 times as many requests a second under 32 connections, and
 * costs a lone client nothing that can be seen: at most 1.1 times the processor time.
 */
import { ServerProcess } from '@nereid/test-kit';
import { layeredColumns, layeredModel } from '../harness/bench-models.ts';
import { repositoryOf } from '../harness/bench-repository.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import { binaryInference } from '../harness/infer-request.ts';
import { ratioOf } from '../harness/spread.ts';
import { runWrk, wrkMissing, wrkScript } from '../harness/wrk.ts';
import { wrkCost } from '../harness/wrk-cost.ts';

const rounds = 5;
const roundSeconds = 1;
const connectionCounts: readonly number[] = [1, 8, 32];
const models: readonly string[] = ['alone', 'batched'];

interface Samples {
  readonly rates: number[];
  readonly cpuMicroseconds: number[];
  readonly batchSizes: number[];
}

function config(batched: boolean): string {
  const vector = (name: string): string =>
    `{ name: "${name}" data_type: TYPE_FP32 dims: [ ${layeredColumns} ] }`;
  return `backend: "onnxruntime"
max_batch_size: 32
input [ ${vector('INPUT')} ]
output [ ${vector('OUTPUT')} ]
parameters { key: "intra_op_thread_count" value: { string_value: "1" } }
${batched ? 'dynamic_batching { }' : ''}`;
}

/** Inferences and executions so far. */
async function counts(server: ServerProcess, model: string): Promise<readonly [number, number]> {
  const answer = await (await fetch(`${server.url}/v2/models/${model}/stats`)).json();
  const [entry] = (answer as { model_stats: Record<string, number>[] }).model_stats;
  return [entry?.['inference_count'] ?? 0, entry?.['execution_count'] ?? 0];
}

async function measure(
  server: ServerProcess,
  model: string,
  script: string,
  connections: number,
  into: Samples,
): Promise<void> {
  const [inferencesBefore, executionsBefore] = await counts(server, model);
  const cost = await wrkCost(server.pid, script, server.port, connections, roundSeconds);
  const [inferences, executions] = await counts(server, model);
  into.rates.push(cost.requestsPerSecond);
  into.cpuMicroseconds.push(cost.cpuMicroseconds);
  into.batchSizes.push((inferences - inferencesBefore) / (executions - executionsBefore));
}

function report(connections: number, alone: Samples, batched: Samples): void {
  printTable(
    `Two megabytes of weights, wrk -c${connections}, ${rounds} rounds of ${roundSeconds} s in turn`,
    [
      { title: 'requests/s', digits: 0 },
      { title: 'server CPU, µs/request', digits: 1 },
      { title: 'requests a run', digits: 2 },
    ],
    [
      { name: 'alone', samples: [alone.rates, alone.cpuMicroseconds, alone.batchSizes] },
      {
        name: 'dynamic_batching { }',
        samples: [batched.rates, batched.cpuMicroseconds, batched.batchSizes],
      },
    ],
  );
  if (connections === 32) {
    const ratio = ratioOf(batched.rates, alone.rates);
    printVerdict('throughput with dynamic batching to that without, -c32', ratio, { atLeast: 1.4 });
  } else if (connections === 1) {
    const ratio = ratioOf(batched.cpuMicroseconds, alone.cpuMicroseconds);
    printVerdict('CPU of a lone request with dynamic batching to that without', ratio, {
      atMost: 1.1,
    });
  }
}

async function main(): Promise<void> {
  const missing = wrkMissing();
  if (missing !== null) {
    printSkipped('dynamic batching', missing);
    return;
  }
  const model = layeredModel();
  const files = models.flatMap((name) => [
    [`${name}/config.pbtxt`, config(name === 'batched')] as const,
    [`${name}/1/model.onnx`, model] as const,
  ]);
  const server = await ServerProcess.start({
    flags: [
      `--model-repository=${repositoryOf(Object.fromEntries(files))}`,
      '--disable-auto-complete-config',
    ],
  });
  const data = new Uint8Array(new Float32Array(layeredColumns).fill(0.5).buffer);
  const scripts = models.map((name) => {
    const input = { name: 'INPUT', datatype: 'FP32', shape: [1, layeredColumns], data };
    return wrkScript(binaryInference(name, [input]));
  });
  for (const connections of connectionCounts) {
    const samples = models.map((): Samples => ({ rates: [], cpuMicroseconds: [], batchSizes: [] }));
    for (const script of scripts) await runWrk(script, server.port, connections, roundSeconds);
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, name] of models.entries()) {
        const [script, into] = [scripts[index] as string, samples[index] as Samples];
        await measure(server, name, script, connections, into);
      }
    }
    report(connections, samples[0] as Samples, samples[1] as Samples);
  }
  await server.stop();
}

await main();
