/**
 * Claim: pre- and postprocessing by JavaScript models in an ensemble costs a tenth of the processor time, and a
 * tenth of the latency, that the same takes of a real tritonserver with its Python backend. Counted is what the steps
 * take, beyond the same request to an ensemble whose answer is in the response cache. The two steps are
 * those of `javascript-beside-python.ts` without the network between them, which that tritonserver has no backend for.
 */
import { TritonProcess } from '@nereid/test-kit';
import { ensureTritonPeer } from '../../tools/triton-peer.mjs';
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import {
  answers,
  grey,
  image,
  javascriptSteps,
  picture,
  probabilities,
  pythonSteps,
  type StepCode,
  step,
  stepFiles,
} from '../harness/digit-steps.ts';
import { binaryInference } from '../harness/infer-request.ts';
import { ratioOf } from '../harness/spread.ts';
import { runWrk, wrkMissing, wrkScript } from '../harness/wrk.ts';
import { wrkCost } from '../harness/wrk-cost.ts';

const claim = 'JavaScript models beside the real tritonserver';
const rounds = 5;
const roundSeconds = 1;
const warmUpSeconds = 3;
const connectionCounts: readonly number[] = [1, 8, 32];
const cacheFlag = '--cache-config=local,size=10485760';

/** Both steps at once, and the same with answers from the cache. */
function repository(backend: string, file: string, code: StepCode): string {
  const steps = `${step(`${backend}_prepare`, ['picture'], ['image'])} ${step(`${backend}_name`, ['probabilities'], ['digit', 'confidence'])}`;
  const ensemble = `platform: "ensemble" max_batch_size: 32 ${picture} ${probabilities} ${image} ${answers} ensemble_scheduling { ${steps} }`;
  return repositoryOf({
    ...stepFiles(backend, file, code),
    'steps/config.pbtxt': ensemble,
    'steps/1/none': '',
    'cached/config.pbtxt': `${ensemble} response_cache { enable: true }`,
    'cached/1/none': '',
  });
}

interface Server {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<unknown>;
}

/** What requests to one ensemble of a server take. */
interface Samples {
  readonly name: string;
  readonly cpuUs: number[];
  readonly latencyUs: number[];
}

interface Contestant {
  readonly server: Server;
  readonly steps: Samples;
  readonly cached: Samples;
}

function contestant(server: Server, name: string): Contestant {
  const samples = (of: string): Samples => ({ name: `${name}, ${of}`, cpuUs: [], latencyUs: [] });
  return { server, steps: samples('the steps'), cached: samples('from the cache') };
}

function scriptOf(model: string): string {
  const scores = new Uint8Array(new Float32Array(10).fill(0.1).buffer);
  return wrkScript(
    binaryInference(model, [
      { name: 'picture', datatype: 'UINT8', shape: [1, 64, 64], data: grey },
      { name: 'probabilities', datatype: 'FP32', shape: [1, 10], data: scores },
    ]),
  );
}

async function compare(contestants: readonly Contestant[], connections: number): Promise<void> {
  const scripts = [scriptOf('steps'), scriptOf('cached')] as const;
  for (const { server } of contestants) {
    for (const script of scripts) await runWrk(script, server.port, connections, warmUpSeconds);
  }
  for (let round = 0; round < rounds; round++) {
    for (const { server, steps, cached } of contestants) {
      await measure(server, scripts[0], connections, steps);
      await measure(server, scripts[1], connections, cached);
    }
  }
}

async function measure(
  { pid, port }: Server,
  script: string,
  connections: number,
  { cpuUs, latencyUs }: Samples,
): Promise<void> {
  const cost = await wrkCost(pid, script, port, connections, roundSeconds);
  cpuUs.push(cost.cpuMicroseconds);
  latencyUs.push((connections * 1e6) / cost.requestsPerSecond);
}

function report([theirs, ours]: readonly [Contestant, Contestant], connections: number): void {
  printTable(
    `Two steps, wrk -c${connections}, ${rounds} rounds of ${roundSeconds} s in turn`,
    [
      { title: 'CPU of the server and its workers, µs/request', digits: 1 },
      { title: 'latency (mean), µs', digits: 0 },
    ],
    [theirs, ours]
      .flatMap(({ steps, cached }) => [steps, cached])
      .map(({ name, cpuUs, latencyUs }) => ({ name, samples: [cpuUs, latencyUs] })),
  );
  for (const [title, key] of [
    ['CPU', 'cpuUs'],
    ['latency', 'latencyUs'],
  ] as const) {
    const beyond = ({ steps, cached }: Contestant): number[] =>
      steps[key].map((value, index) => value - (cached[key][index] ?? 0));
    printVerdict(
      `${title} of pre- and postprocessing in JavaScript to that in tritonserver's Python, -c${connections}`,
      ratioOf(beyond(ours), beyond(theirs)),
      { atMost: 0.1 },
    );
  }
}

async function main(): Promise<void> {
  const missing = wrkMissing();
  if (missing !== null) return printSkipped(claim, missing);
  const peer = ensureTritonPeer();
  if (!peer.available) return printSkipped(claim, peer.reason);
  const python = repository('python', 'model.py', pythonSteps);
  const javascript = repository('javascript', 'model.js', javascriptSteps);
  const servers = [
    await TritonProcess.start(peer, [`--model-repository=${python}`, cacheFlag]),
    await startServer(`--model-repository=${javascript}`, cacheFlag),
  ] as const;
  for (const connections of connectionCounts) {
    const contestants = [
      contestant(servers[0], 'tritonserver 2.51, Python'),
      contestant(servers[1], 'nereid, JavaScript'),
    ] as const;
    await compare(contestants, connections);
    report(contestants, connections);
  }
  for (const server of servers) await server.stop();
}

await main();
