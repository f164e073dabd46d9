/**
 * Claim: a tensor of 4.9 MB goes into the server and out again over gRPC in at most 1.5 times the time
 * that a bare `node:net` server takes to read the same bytes into memory and write them back.
 */
import { encodeMessage } from '@nereid/protocol';
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printVerdict } from '../harness/claim-report.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { compareRequestCost } from '../harness/request-cost.ts';
import { ratioOf } from '../harness/spread.ts';
import { openGrpcCalls, openSocketEcho } from '../transport/large-echo-client.ts';

const shape: readonly number[] = [1, 3, 640, 640];
const tensorBytes = shape.reduce((product, dim) => product * dim, 4);

const config = `backend: "identity"
max_batch_size: 0
input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1, 3, 640, 640 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1, 3, 640, 640 ] } ]
`;

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
  const socket = await openSocketEcho(Number(peer.firstLine), message.byteLength);
  const calls = await openGrpcCalls(server.grpcPort ?? 0, path, message);
  const [raw, nereid] = await compareRequestCost(
    `[${shape}] FP32 in and out over gRPC`,
    [
      { name: 'node:net, the same bytes', pid: peer.pid, ask: () => socket.roundTripMs() },
      { name: 'nereid, identity', pid: server.pid, ask: () => calls.roundTripMs() },
    ] as const,
    { rounds: 9, roundRequests: 60 },
  );
  printVerdict(
    'time of a 4.9 MB identity over gRPC to that of a raw socket copy',
    ratioOf(nereid.milliseconds, raw.milliseconds),
    { atMost: 1.5 },
  );
  socket.close();
  calls.close();
  await peer.stop();
  await server.stop();
}

await main();
