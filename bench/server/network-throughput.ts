/**
 * Claim: a convolutional network that takes milliseconds is served at 0.97 or more of the rate of a
 * bare loop over ONNX Runtime with the same threads, whether one client asks or four.
 *
 * wrk asks, since what a client takes of the machine slows the run beside it: two processors may be one
 * core.
 */
import { join } from 'node:path';
import { convolutionalNetwork, networkShape } from '../harness/bench-models.ts';
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import { binaryAnswer, binaryInference, postBytes } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { looped, samples, servedToWrk } from '../harness/network-load.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { ratioOf } from '../harness/spread.ts';
import { runWrk, wrkMissing, wrkScript } from '../harness/wrk.ts';

const rounds = 5;
const roundSeconds = 5;
/**
 * Before the first round: some fifty answers a second are few for a compiler that waits for thousands
 * of calls, and what is around a run costs two to three times as much until then.
 */
const warmUpSeconds = 4;
const concurrencies: readonly number[] = [1, 2, 4];
/** Of the model's one instance and of the loop: one, so that what is around them has a core too. */
const threads = 1;

const config = `backend: "onnxruntime"
max_batch_size: 0
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ ${networkShape.join(', ')} ] } ]
output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ 1, 10 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
parameters { key: "intra_op_thread_count" value: { string_value: "${threads}" } }
parameters { key: "inter_op_thread_count" value: { string_value: "${threads}" } }
`;

async function main(): Promise<void> {
  const missing = wrkMissing();
  if (missing !== null) return printSkipped('throughput of a network', missing);
  const repository = repositoryOf({
    'network/config.pbtxt': config,
    'network/1/model.onnx': convolutionalNetwork(),
  });
  const server = await startServer(`--model-repository=${repository}`);
  const count = networkShape.reduce((product, dim) => product * dim, 1);
  const inference = binaryInference('network', [
    { name: 'INPUT', datatype: 'FP32', shape: networkShape, data: Buffer.alloc(count * 4) },
  ]);
  const client = await KeepAliveClient.connect(server.port);
  binaryAnswer(await client.ask(postBytes(inference)));
  client.close();
  const script = wrkScript(inference);
  const peer = await PeerProcess.start('onnx-loop.mjs', [
    join(repository, 'network', '1', 'model.onnx'),
    String(threads),
    'INPUT',
    'OUTPUT',
    ...networkShape.map(String),
  ]);
  await runWrk(script, server.port, 2, warmUpSeconds);
  const loop = samples();
  const ofServer = concurrencies.map(samples);
  for (let round = 0; round < rounds; round += 1) {
    await looped(peer, roundSeconds * 1000, 1, loop);
    for (const [index, concurrency] of concurrencies.entries()) {
      await servedToWrk(server, script, concurrency, roundSeconds, ofServer[index]!);
    }
  }
  printTable(
    `Convolutional network [${networkShape}] on ${threads} thread, ${rounds} rounds of ${roundSeconds} s in turn`,
    [
      { title: 'runs/s', digits: 1 },
      { title: 'CPU, ms/run', digits: 1 },
    ],
    [
      { name: 'bare ONNX Runtime loop', samples: [loop.rates, loop.cpuMilliseconds] },
      ...concurrencies.map((concurrency, index) => ({
        name: `nereid, ${concurrency} at once`,
        samples: [ofServer[index]!.rates, ofServer[index]!.cpuMilliseconds],
      })),
    ],
  );
  for (const [index, concurrency] of concurrencies.entries()) {
    printVerdict(
      `throughput of a network with ${concurrency} at once to that of a bare loop`,
      ratioOf(ofServer[index]!.rates, loop.rates),
      { atLeast: 0.97 },
    );
  }
  await peer.stop();
  await server.stop();
}

await main();
