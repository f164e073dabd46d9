/**
 * Claim: pre- and postprocessing by JavaScript models in an ensemble costs a tenth of the processor time, and a
 * tenth of the latency, that the same costs by Python models: pictures of 64 x 64 bytes to the input of `digits`, its answer to
 * a name. Counted is what the steps take, threads and worker processes included: what an ensemble takes beyond one that
 * is sent as much and has no such steps. The time of a model's own code is in it: about 3 µs in JavaScript.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerProcess } from '@nereid/test-kit';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { repositoryOf } from '../harness/bench-repository.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import { binaryInference } from '../harness/infer-request.ts';
import { cpuSeconds } from '../harness/process-usage.ts';
import { ratioOf } from '../harness/spread.ts';
import { runWrk, wrkMissing, wrkScript } from '../harness/wrk.ts';

const rounds = 5;
const roundSeconds = 1;
/** Compilers are through then. */
const warmUpSeconds = 5;
const connectionCounts: readonly number[] = [1, 8, 32];
const examples = fileURLToPath(new URL('../../examples', import.meta.url));

const javascript: Readonly<Record<string, string>> = {
  prepare: `export const execute = (requests) =>
  requests.map((request) => {
    const { data, shape: [count] } = request.input('picture', 'UINT8');
    const image = new Float32Array(count * 64);
    for (let square = 0; square < image.length; square++) {
      const start = (square >> 3) * 512 + (square & 7) * 8;
      let sum = 0;
      for (let row = start; row < start + 512; row += 64) {
        sum += data[row] + data[row + 1] + data[row + 2] + data[row + 3];
        sum += data[row + 4] + data[row + 5] + data[row + 6] + data[row + 7];
      }
      image[square] = (sum / 64) * (16 / 255);
    }
    return { outputs: [{ name: 'image', shape: [count, 1, 8, 8], data: image }] };
  });`,
  name: readFileSync(join(examples, 'models', 'digit_name', '1', 'model.js'), 'utf8'),
};

const python: Readonly<Record<string, string>> = {
  prepare: `import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(pb_utils.get_input_tensor_by_name(r, "picture").as_numpy()) for r in requests]

    def answer(self, grey):
        squares = grey.reshape(-1, 1, 8, 8, 8, 8).mean(axis=(3, 5), dtype=np.float32)
        return pb_utils.InferenceResponse([pb_utils.Tensor("image", squares * np.float32(16 / 255))])
`,
  name: `import numpy as np
import triton_python_backend_utils as pb_utils

NAMES = np.array([b"zero", b"one", b"two", b"three", b"four", b"five", b"six", b"seven", b"eight", b"nine"], dtype=object)


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(pb_utils.get_input_tensor_by_name(r, "probabilities").as_numpy()) for r in requests]

    def answer(self, scores):
        return pb_utils.InferenceResponse([
            pb_utils.Tensor("digit", NAMES[scores.argmax(axis=1)][:, None]),
            pb_utils.Tensor("confidence", scores.max(axis=1, keepdims=True)),
        ])
`,
};

const batching = 'max_batch_size: 32 dynamic_batching { }';
const tensor = (kind: string, name: string, type: string, dims: string): string =>
  `${kind} { name: "${name}" data_type: TYPE_${type} dims: [ ${dims} ] }`;
const picture = tensor('input', 'picture', 'UINT8', '64, 64');
const answers = `${tensor('output', 'digit', 'STRING', '1')} ${tensor('output', 'confidence', 'FP32', '1')}`;
const step = (model: string, inputs: readonly string[], outputs: readonly string[]): string =>
  `step { model_name: "${model}" model_version: -1 ${inputs.map((name) => `input_map { key: "${name}" value: "${name}" }`).join(' ')} ${outputs.map((name) => `output_map { key: "${name}" value: "${name}" }`).join(' ')} }`;

/** An ensemble of one language: its two models around `digits`. */
function ensembleFiles(
  backend: string,
  file: string,
  code: Readonly<Record<string, string>>,
): Record<string, string> {
  const [prepare, name] = [`${backend}_prepare`, `${backend}_name`];
  return {
    [`${prepare}/config.pbtxt`]: `backend: "${backend}" ${batching} ${picture} ${tensor('output', 'image', 'FP32', '1, 8, 8')}`,
    [`${prepare}/1/${file}`]: code['prepare'] ?? '',
    [`${name}/config.pbtxt`]: `backend: "${backend}" ${batching} ${tensor('input', 'probabilities', 'FP32', '10')} ${answers}`,
    [`${name}/1/${file}`]: code['name'] ?? '',
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

/** The process and its children: the workers of Python models. */
function treeCpuSeconds(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return children.reduce((sum, child) => sum + cpuSeconds(Number(child)), cpuSeconds(pid));
}

interface Contestant {
  readonly name: string;
  readonly script: string;
  readonly cpuMicroseconds: number[];
  readonly rates: number[];
}

function contestants(): readonly Contestant[] {
  const image = { name: 'image', datatype: 'FP32', shape: [1, 1, 8, 8], data: new Uint8Array(256) };
  const grey = Uint8Array.from({ length: 4096 }, (_, index) => (index * 7) % 256);
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
      const before = treeCpuSeconds(server.pid);
      const { requests, requestsPerSecond } = await runWrk(
        script,
        server.port,
        connections,
        roundSeconds,
      );
      cpuMicroseconds.push(((treeCpuSeconds(server.pid) - before) * 1e6) / requests);
      rates.push(requestsPerSecond);
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
    ...ensembleFiles('javascript', 'model.js', javascript),
    ...ensembleFiles('python', 'model.py', python),
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
