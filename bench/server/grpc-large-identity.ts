/**
 * Claim: a tensor of 4.9 MB goes into the server and out again over gRPC in at most 1.5 times the time
 * that a bare `node:net` server takes to read the same bytes into memory and write them back.
 */
import { encodeMessage } from '@nereid/protocol';
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { cpuSeconds } from '../harness/process-usage.ts';
import { ratioOf } from '../harness/spread.ts';
import { type LargeEcho, openGrpcCalls, openSocketEcho } from '../transport/large-echo-client.ts';

const rounds = 9;
const roundRequests = 60;
const shape: readonly number[] = [1, 3, 640, 640];
const tensorBytes = shape.reduce((product, dim) => product * dim, 4);

const config = `backend: "identity"
max_batch_size: 0
input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1, 3, 640, 640 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1, 3, 640, 640 ] } ]
`;

interface Contestant {
  readonly name: string;
  readonly pid: number;
  readonly client: LargeEcho;
  readonly milliseconds: number[];
  readonly cpuMilliseconds: number[];
}

async function measure({ pid, client, milliseconds, cpuMilliseconds }: Contestant): Promise<void> {
  const cpuBefore = cpuSeconds(pid);
  let sum = 0;
  for (let count = 0; count < roundRequests; count += 1) sum += await client.roundTripMs();
  milliseconds.push(sum / roundRequests);
  cpuMilliseconds.push(((cpuSeconds(pid) - cpuBefore) * 1000) / roundRequests);
}

async function main(): Promise<void> {
  const message = encodeMessage('inference.ModelInferRequest', {
    model_name: 'image',
    inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [...shape] }],
    raw_input_contents: [Buffer.alloc(tensorBytes, 0x3f)],
  });
  const server = await startServer(
    `--model-repository=${repositoryOf({ 'image/config.pbtxt': config, 'image/1/x': '' })}`,
  );
  const bytes = String(message.byteLength);
  const peer = await PeerProcess.start('raw-copy.mjs', [bytes, bytes]);
  const path = '/inference.GRPCInferenceService/ModelInfer';
  const contestants: readonly [Contestant, Contestant] = [
    {
      name: 'node:net, the same bytes',
      pid: peer.pid,
      client: await openSocketEcho(Number(peer.firstLine), message.byteLength),
      milliseconds: [],
      cpuMilliseconds: [],
    },
    {
      name: 'nereid, identity',
      pid: server.pid,
      client: await openGrpcCalls(server.grpcPort ?? 0, path, message),
      milliseconds: [],
      cpuMilliseconds: [],
    },
  ];
  for (let warmUp = 0; warmUp < roundRequests; warmUp += 1) {
    for (const { client } of contestants) await client.roundTripMs();
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of contestants) await measure(contestant);
  }
  const [raw, nereid] = contestants;
  printTable(
    `[${shape}] FP32 in and out over gRPC, ${rounds} rounds of ${roundRequests} requests in turn`,
    [
      { title: 'time, ms/request', digits: 2 },
      { title: 'server CPU, ms/request', digits: 2 },
    ],
    contestants.map(({ name, milliseconds, cpuMilliseconds }) => ({
      name,
      samples: [milliseconds, cpuMilliseconds],
    })),
  );
  printVerdict(
    'time of a 4.9 MB identity over gRPC to that of a raw socket copy',
    ratioOf(nereid.milliseconds, raw.milliseconds),
    { atMost: 1.5 },
  );
  for (const { client } of contestants) client.close();
  await peer.stop();
  await server.stop();
}

await main();
