/**
 * Claim: an answer from the response cache costs the server at most 0.7 of the processor time of running a
 * model that reads two megabytes of weights; a request that the cache does not know, at most 1.3 times that of
 * a model without a cache.
 */
import { ServerProcess } from '@nereid/test-kit';
import { layeredColumns, layeredModel } from '../harness/bench-models.ts';
import { repositoryOf } from '../harness/bench-repository.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { binaryAnswer, binaryInference, postBytes } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { cpuSeconds } from '../harness/process-usage.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 9;
const warmUpRounds = 2;
const requestsPerRound = 3000;

const vector = (name: string): string =>
  `{ name: "${name}" data_type: TYPE_FP32 dims: [ ${layeredColumns} ] }`;
const config = (cached: boolean): string => `backend: "onnxruntime"
max_batch_size: 32
input [ ${vector('INPUT')} ]
output [ ${vector('OUTPUT')} ]
parameters { key: "intra_op_thread_count" value: { string_value: "1" } }
response_cache { enable: ${cached} }`;

/** The request for a model, with a number that tells it from others. */
function request(model: string, number: number): Buffer {
  const values = new Float32Array(layeredColumns).fill(0.5);
  values[0] = number;
  const data = new Uint8Array(values.buffer);
  const input = { name: 'INPUT', datatype: 'FP32', shape: [1, layeredColumns], data };
  return postBytes(binaryInference(model, [input]));
}

async function cost(
  server: ServerProcess,
  client: KeepAliveClient,
  requests: (index: number) => Buffer,
): Promise<number> {
  const made = Array.from({ length: requestsPerRound }, (_, index) => requests(index));
  const before = cpuSeconds(server.pid);
  for (const bytes of made) binaryAnswer(await client.ask(bytes));
  return ((cpuSeconds(server.pid) - before) * 1e6) / requestsPerRound;
}

async function main(): Promise<void> {
  const model = layeredModel();
  const server = await ServerProcess.start({
    flags: [
      `--model-repository=${repositoryOf({
        'plain/config.pbtxt': config(false),
        'plain/1/model.onnx': model,
        'kept/config.pbtxt': config(true),
        'kept/1/model.onnx': model,
      })}`,
      '--cache-config=local,size=16777216',
    ],
  });
  const client = await KeepAliveClient.connect(server.port);
  const [plain, hits, misses]: [number[], number[], number[]] = [[], [], []];
  const [samePlain, sameKept] = [request('plain', 1), request('kept', 1)];
  let fresh = 2;
  for (let round = -warmUpRounds; round < rounds; round++) {
    const took = [
      await cost(server, client, () => samePlain),
      await cost(server, client, () => sameKept),
      await cost(server, client, () => request('kept', fresh++)),
    ] as const;
    if (round < 0) continue;
    plain.push(took[0]);
    hits.push(took[1]);
    misses.push(took[2]);
  }
  printTable(
    `Two megabytes of weights over HTTP, one client, ${rounds} rounds of ${requestsPerRound} in turn`,
    [{ title: 'server CPU, µs/request', digits: 1 }],
    [
      { name: 'without a cache', samples: [plain] },
      { name: 'known to the cache', samples: [hits] },
      { name: 'not known', samples: [misses] },
    ],
  );
  printVerdict('CPU of an answer from the cache to that of a run', ratioOf(hits, plain), {
    atMost: 0.7,
  });
  printVerdict(
    'CPU of a request that the cache does not know to one without it',
    ratioOf(misses, plain),
    {
      atMost: 1.3,
    },
  );
  client.close();
  await server.stop();
}

await main();
