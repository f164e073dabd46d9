/**
 * Claim: a tensor of 4.9 MB goes into the server and out again over HTTP in at most 1.5 times the time
 * that a bare `node:net` server takes to read the same bytes into memory and write them back.
 */
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { binaryAnswer, binaryInference, postBytes } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { cpuSeconds } from '../harness/process-usage.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 9;
const roundRequests = 80;
const shape: readonly number[] = [1, 3, 640, 640];

const config = `backend: "identity"
max_batch_size: 0
input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1, 3, 640, 640 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1, 3, 640, 640 ] } ]
`;

interface Contestant {
  readonly name: string;
  readonly pid: number;
  readonly client: KeepAliveClient;
  readonly milliseconds: number[];
  readonly cpuMilliseconds: number[];
}

async function measure(
  contestant: Contestant,
  request: Buffer,
  answerBytes: number,
): Promise<void> {
  const { client, pid } = contestant;
  const cpuBefore = cpuSeconds(pid);
  const begin = performance.now();
  for (let count = 0; count < roundRequests; count += 1) await client.count(request, answerBytes);
  contestant.milliseconds.push((performance.now() - begin) / roundRequests);
  contestant.cpuMilliseconds.push(((cpuSeconds(pid) - cpuBefore) * 1000) / roundRequests);
}

async function main(): Promise<void> {
  const values = Float32Array.from(
    { length: shape.reduce((product, dim) => product * dim, 1) },
    (_, index) => index,
  );
  const data = Buffer.from(values.buffer);
  const request = postBytes(
    binaryInference('image', [{ name: 'INPUT0', datatype: 'FP32', shape, data }]),
  );
  const server = await startServer(
    `--model-repository=${repositoryOf({ 'image/config.pbtxt': config, 'image/1/x': '' })}`,
  );
  const client = await KeepAliveClient.connect(server.port);
  const answer = await client.ask(request);
  if (!binaryAnswer(answer).equals(data)) throw new Error('the identity is none');
  const answerBytes = Buffer.byteLength(answer.head, 'latin1') + answer.body.length;

  const peer = await PeerProcess.start('raw-copy.mjs', [
    String(request.length),
    String(answerBytes),
  ]);
  const contestants: readonly [Contestant, Contestant] = [
    {
      name: 'node:net, the same bytes',
      pid: peer.pid,
      client: await KeepAliveClient.connect(Number(peer.firstLine)),
      milliseconds: [],
      cpuMilliseconds: [],
    },
    { name: 'nereid, identity', pid: server.pid, client, milliseconds: [], cpuMilliseconds: [] },
  ];
  for (let warmUp = 0; warmUp < roundRequests; warmUp += 1) {
    for (const contestant of contestants) await contestant.client.count(request, answerBytes);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of contestants) await measure(contestant, request, answerBytes);
  }
  const [raw, nereid] = contestants;
  printTable(
    `[${shape}] FP32 in and out over HTTP, ${rounds} rounds of ${roundRequests} requests in turn`,
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
    'time of a 4.9 MB identity to that of a raw socket copy',
    ratioOf(nereid.milliseconds, raw.milliseconds),
    { atMost: 1.5 },
  );
  for (const contestant of contestants) contestant.client.close();
  await peer.stop();
  await server.stop();
}

await main();
