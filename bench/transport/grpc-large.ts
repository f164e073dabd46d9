// Claim: a gRPC message of 4.9 MB in and out takes at most 1.5 times a bare socket copy.
// Both in the same run, message by message in turn.
// Run: npx tsx --conditions=nereid-source bench/transport/grpc-large.ts [round trips]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openGrpcEcho, openSocketEcho } from './large-echo-client.ts';

const roundTrips = Number(process.argv[2] ?? 200);
const messageBytes = 4_900_000;
const serverPath = fileURLToPath(new URL('./large-echo-server.ts', import.meta.url));

async function start(kind: 'grpc' | 'socket'): Promise<readonly [ChildProcess, number]> {
  const child = fork(serverPath, [kind, String(messageBytes)]);
  const [port] = await once(child, 'message');
  return [child, port];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const [grpcServer, grpcPort] = await start('grpc');
const [socketServer, socketPort] = await start('socket');
const grpc = await openGrpcEcho(grpcPort, messageBytes);
const socket = await openSocketEcho(socketPort, messageBytes);
const grpcMs: number[] = [];
const socketMs: number[] = [];
try {
  for (let count = 0; count < roundTrips + 20; count++) {
    const pair = [await grpc.roundTripMs(), await socket.roundTripMs()] as const;
    if (count < 20) continue;
    grpcMs.push(pair[0]);
    socketMs.push(pair[1]);
  }
} finally {
  grpc.close();
  socket.close();
  grpcServer.send('exit');
  socketServer.send('exit');
}
const ours = median(grpcMs);
const bare = median(socketMs);
console.log(
  `gRPC: ${ours.toFixed(2)} ms, bare socket: ${bare.toFixed(2)} ms (p50, ${roundTrips} each)`,
);
console.log(`gRPC / socket = ${(ours / bare).toFixed(2)} (${messageBytes} bytes each way)`);
