/**
 * Claim: pre- and postprocessing by JavaScript models in an ensemble costs a tenth of the processor time, and a
 * tenth of the latency, that the same costs by Python models: pictures of 64 x 64 bytes to the input of `digits`, its answer to
 * a name. Counted is what the steps take, threads and worker processes included: what an ensemble takes beyond one that
 * is sent as much and has no such steps. The time of a model's own code is in it: about 3 µs in JavaScript.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerProcess } from '@nereid/test-kit';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { repositoryOf } from '../harness/bench-repository.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import {
  answers,
  batching,
  grey,
  javascriptSteps,
  picture,
  pythonSteps,
  type StepCode,
  step,
  stepFiles,
  tensor,
} from '../harness/digit-steps.ts';
import { binaryInference } from '../harness/infer-request.ts';
import { ratioOf } from '../harness/spread.ts';
import { runWrk, wrkMissing, wrkScript } from '../harness/wrk.ts';
import { wrkCost } from '../harness/wrk-cost.ts';

const rounds = 5;
const roundSeconds = 1;
/** Compilers are through then. */
const warmUpSeconds = 5;
const connectionCounts: readonly number[] = [1, 8, 32];
const examples = fileURLToPath(new URL('../../examples', import.meta.url));

/** An ensemble of one language: its two models around `digits`. */
function ensembleFiles(backend: string, file: string, code: StepCode): Record<string, string> {
  const [prepare, name] = [`${backend}_prepare`, `${backend}_name`];
  return {
    ...stepFiles(backend, file, code),
    [`${backend}_digit/config.pbtxt`]: `platform: "ensemble" max_batch_size: 32 ${picture} ${answers} ensemble_scheduling { ${step(prepare, ['picture'], ['image'])} ${step('digits', ['image'], ['probabilities'])} ${step(name, ['probabilities'], ['digit', 'confidence'])} }`,
    [`${backend}_digit/1/none`]: '',
  };
}

/** `digits` as an ensemble that takes a picture too, which nothing is done with unless `same` is wanted. */
function bareFiles(): Record<string, string> {
  const image = tensor('input', 'image', 'FP32', '1, 8, 8');
  const probabilities = tensor('output', 'probabilities', 'FP32', '10');
  const same = tensor('output', 'same', 'UINT8', '64, 64');
  const unused = `step { model_name: "unused" model_version: -1 input_map { key: "INPUT0" value: "picture" } output_map { key: "OUTPUT0" value: "same" } }`;
  return {
    'bare_digit/config.pbtxt': `platform: "ensemble" max_batch_size: 32 ${picture} ${image} ${probabilities} ${same} ensemble_scheduling { ${step('digits', ['image'], ['probabilities'])} ${unused} }`,
    'bare_digit/1/none': '',
    'unused/config.pbtxt': `backend: "identity" ${batching} ${tensor('input', 'INPUT0', 'UINT8', '64, 64')} ${tensor('output', 'OUTPUT0', 'UINT8', '64, 64')}`,
    'unused/1/none': '',
  };
}

interface Contestant {
  readonly name: string;
  readonly script: string;
  readonly cpuMicroseconds: number[];
  readonly rates: number[];
}

function contestants(): readonly Contestant[] {
  const image = { name: 'image', datatype: 'FP32', shape: [1, 1, 8, 8], data: new Uint8Array(256) };
  const given = { name: 'picture', datatype: 'UINT8', shape: [1, 64, 64], data: grey };
  return [
    {
      name: 'bare_digit',
      request: binaryInference('bare_digit', [given, image], ['probabilities']),
    },
    { name: 'python_digit', request: binaryInference('python_digit', [given]) },
    { name: 'javascript_digit', request: binaryInference('javascript_digit', [given]) },
  ].map(({ name, request }) => ({
    name,
    script: wrkScript(request),
    cpuMicroseconds: [],
    rates: [],
  }));
}

async function compare(server: ServerProcess, connections: number): Promise<void> {
  const all = contestants();
  for (const { script } of all) await runWrk(script, server.port, connections, warmUpSeconds);
  for (let round = 0; round < rounds; round++) {
    for (const { script, cpuMicroseconds, rates } of all) {
      const { pid, port } = server;
      const cost = await wrkCost(pid, script, port, connections, roundSeconds);
      cpuMicroseconds.push(cost.cpuMicroseconds);
      rates.push(cost.requestsPerSecond);
    }
  }
  report(all, connections);
}

function report(all: readonly Contestant[], connections: number): void {
  const latencies = ({ rates }: Contestant): number[] =>
    rates.map((rate) => (connections * 1e6) / rate);
  printTable(
    `A picture to a name, wrk -c${connections}, ${rounds} rounds of ${roundSeconds} s in turn`,
    [
      { title: 'CPU of the server and its workers, µs/request', digits: 1 },
      { title: 'latency (mean), µs', digits: 0 },
    ],
    all.map((one) => ({ name: one.name, samples: [one.cpuMicroseconds, latencies(one)] })),
  );
  const [bare, slow, fast] = all as [Contestant, Contestant, Contestant];
  const beyond = (samples: readonly number[], without: readonly number[]): number[] =>
    samples.map((value, index) => value - (without[index] ?? 0));
  printVerdict(
    `CPU of pre- and postprocessing in JavaScript to that in Python, -c${connections}`,
    ratioOf(
      beyond(fast.cpuMicroseconds, bare.cpuMicroseconds),
      beyond(slow.cpuMicroseconds, bare.cpuMicroseconds),
    ),
    { atMost: 0.1 },
  );
  printVerdict(
    `latency of pre- and postprocessing in JavaScript to that in Python, -c${connections}`,
    ratioOf(beyond(latencies(fast), latencies(bare)), beyond(latencies(slow), latencies(bare))),
    { atMost: 0.1 },
  );
}

async function main(): Promise<void> {
  const missing = wrkMissing();
  if (missing !== null) {
    printSkipped('JavaScript beside Python models', missing);
    return;
  }
  const files = {
    ...ensembleFiles('javascript', 'model.js', javascriptSteps),
    ...ensembleFiles('python', 'model.py', pythonSteps),
    ...bareFiles(),
    // One thread: what the threads of a network take while they wait for each other is none of ours.
    'digits/config.pbtxt': `backend: "onnxruntime" ${batching} parameters { key: "intra_op_thread_count" value { string_value: "1" } }`,
    'digits/1/model.onnx': readFileSync(join(examples, 'models', 'digits', '1', 'model.onnx')),
  };
  const server = await ServerProcess.start({
    flags: [
      `--model-repository=${repositoryOf(files)}`,
      '--model-control-mode=explicit',
      '--load-model=python_digit',
      '--load-model=javascript_digit',
      '--load-model=bare_digit',
      `--backend-config=python,python-runtime=${ensurePythonEnv()}`,
    ],
  });
  for (const connections of connectionCounts) await compare(server, connections);
  await server.stop();
}

await main();
