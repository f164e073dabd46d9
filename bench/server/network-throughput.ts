/**
 * Claim: a convolutional network that takes milliseconds is served at 0.97 or more of the rate of a
 * bare loop over ONNX Runtime with the same threads, whether one client asks or four.
 */
import { join } from 'node:path';
import { convolutionalNetwork, networkShape } from '../harness/bench-models.ts';
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { binaryInference, postBytes } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { looped, samples, served } from '../harness/network-load.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 5;
const roundMs = 2000;
/**
 * Before the first round: some fifty answers a second are few for a compiler that waits for thousands
 * of calls, and what is around a run costs two to three times as much until then.
 */
const warmUpMs = 4000;
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
  const repository = repositoryOf({
    'network/config.pbtxt': config,
    'network/1/model.onnx': convolutionalNetwork(),
  });
  const server = await startServer(`--model-repository=${repository}`);
  const count = networkShape.reduce((product, dim) => product * dim, 1);
  const request = postBytes(
    binaryInference('network', [
      { name: 'INPUT', datatype: 'FP32', shape: networkShape, data: Buffer.alloc(count * 4) },
    ]),
  );
  const clients = await Promise.all(
    concurrencies.map((concurrency) =>
      Promise.all(Array.from({ length: concurrency }, () => KeepAliveClient.connect(server.port))),
    ),
  );
  const peer = await PeerProcess.start('onnx-loop.mjs', [
    join(repository, 'network', '1', 'model.onnx'),
    String(threads),
    'INPUT',
    'OUTPUT',
    ...networkShape.map(String),
  ]);
  await served(server.pid, clients[1]!, request, warmUpMs, samples());
  const loop = samples();
  const ofServer = concurrencies.map(samples);
  for (let round = 0; round < rounds; round += 1) {
    await looped(peer, roundMs, 1, loop);
    for (const [index, group] of clients.entries()) {
      await served(server.pid, group, request, roundMs, ofServer[index]!);
    }
  }
  printTable(
    `Convolutional network [${networkShape}] on ${threads} thread, ${rounds} rounds of ${roundMs} ms in turn`,
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
  for (const client of clients.flat()) client.close();
  await peer.stop();
  await server.stop();
}

await main();
