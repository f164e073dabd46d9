/**
 * Claim: a tensor of 4.9 MB goes into the server and out again over HTTP in at most 1.5 times the time
 * that a bare `node:net` server takes to read the same bytes into memory and write them back.
 */
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printVerdict } from '../harness/claim-report.ts';
import { binaryAnswer, binaryInference, postBytes } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { compareRequestCost } from '../harness/request-cost.ts';
import { ratioOf } from '../harness/spread.ts';

const shape: readonly number[] = [1, 3, 640, 640];

const config = `backend: "identity"
max_batch_size: 0
input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1, 3, 640, 640 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1, 3, 640, 640 ] } ]
`;

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
  const peerClient = await KeepAliveClient.connect(Number(peer.firstLine));
  const [raw, nereid] = await compareRequestCost(
    `[${shape}] FP32 in and out over HTTP`,
    [
      {
        name: 'node:net, the same bytes',
        pid: peer.pid,
        ask: () => peerClient.count(request, answerBytes),
      },
      {
        name: 'nereid, identity',
        pid: server.pid,
        ask: () => client.count(request, answerBytes),
      },
    ] as const,
    { rounds: 9, roundRequests: 80 },
  );
  printVerdict(
    'time of a 4.9 MB identity to that of a raw socket copy',
    ratioOf(nereid.milliseconds, raw.milliseconds),
    { atMost: 1.5 },
  );
  peerClient.close();
  client.close();
  await peer.stop();
  await server.stop();
}

await main();
