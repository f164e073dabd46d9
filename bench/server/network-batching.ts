/**
 * Claim: a convolutional network that takes milliseconds, with dynamic batching and no other setting, is
 * served to 8 and to 32 clients at 0.97 or more of the images a second of a bare loop over ONNX Runtime with
 * the same threads, at whichever batch size is best for the loop; and takes at most 1.05 times its
 * processor time for each.
 */
import { join } from 'node:path';
import { convolutionalNetwork, networkShape } from '../harness/bench-models.ts';
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { binaryInference, postBytes } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { looped, type Samples, samples, served } from '../harness/network-load.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { ratioOf, spreadOf } from '../harness/spread.ts';

const rounds = 3;
const roundMs = 4000;
const warmUpMs = 4000;
const concurrencies: readonly number[] = [8, 32];
const loopSizes: readonly number[] = [1, 4, 16];
/** Of the model's one instance and of the loop: one, so that what is around them has a core too. */
const threads = 1;

const config = `backend: "onnxruntime"
max_batch_size: 32
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ ${networkShape.slice(1).join(', ')} ] } ]
output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ 10 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
dynamic_batching { }
parameters { key: "intra_op_thread_count" value: { string_value: "${threads}" } }
parameters { key: "inter_op_thread_count" value: { string_value: "${threads}" } }
`;

async function main(): Promise<void> {
  const repository = repositoryOf({
    'network/config.pbtxt': config,
    'network/1/model.onnx': convolutionalNetwork('N'),
  });
  const server = await startServer(`--model-repository=${repository}`);
  const count = networkShape.reduce((product, dim) => product * dim, 1);
  const data = Buffer.alloc(count * 4);
  const input = { name: 'INPUT', datatype: 'FP32', shape: networkShape, data };
  const request = postBytes(binaryInference('network', [input]));
  const groups = await Promise.all(
    concurrencies.map((concurrency) =>
      Promise.all(Array.from({ length: concurrency }, () => KeepAliveClient.connect(server.port))),
    ),
  );
  const model = join(repository, 'network', '1', 'model.onnx');
  const peers: PeerProcess[] = [];
  for (const size of loopSizes) {
    const shape = [size, ...networkShape.slice(1)].map(String);
    const args = [model, String(threads), 'INPUT', 'OUTPUT', ...shape];
    peers.push(await PeerProcess.start('onnx-loop.mjs', args));
  }
  await served(server.pid, groups[0]!, request, warmUpMs, samples());
  const loops = loopSizes.map(samples);
  const ofServer = concurrencies.map(samples);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, peer] of peers.entries()) {
      await looped(peer, roundMs, loopSizes[index]!, loops[index]!);
    }
    for (const [index, group] of groups.entries()) {
      await served(server.pid, group, request, roundMs, ofServer[index]!);
    }
  }
  const rateOf = ({ rates }: Samples): number => spreadOf(rates).median;
  const best = loops.reduce((a, b) => (rateOf(b) > rateOf(a) ? b : a));
  printTable(
    `Convolutional network [N,${networkShape.slice(1)}] on ${threads} thread, ${rounds} rounds of ${roundMs} ms in turn`,
    [
      { title: 'images/s', digits: 1 },
      { title: 'CPU, ms/image', digits: 1 },
    ],
    [
      ...loops.map(({ rates, cpuMilliseconds }, index) => ({
        name: `bare loop, batches of ${loopSizes[index]}`,
        samples: [rates, cpuMilliseconds],
      })),
      ...ofServer.map(({ rates, cpuMilliseconds }, index) => ({
        name: `nereid, ${concurrencies[index]} at once`,
        samples: [rates, cpuMilliseconds],
      })),
    ],
  );
  for (const [index, concurrency] of concurrencies.entries()) {
    printVerdict(
      `images a second with ${concurrency} at once, dynamic batching, to those of the best bare loop`,
      ratioOf(ofServer[index]!.rates, best.rates),
      { atLeast: 0.97 },
    );
    printVerdict(
      `processor time of an image with ${concurrency} at once to that in the best bare loop`,
      ratioOf(ofServer[index]!.cpuMilliseconds, best.cpuMilliseconds),
      { atMost: 1.05 },
    );
  }
  for (const client of groups.flat()) client.close();
  for (const peer of peers) await peer.stop();
  await server.stop();
}

await main();
