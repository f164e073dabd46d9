// Claim: a small unary gRPC call costs our server a fraction of what it costs node:http2.
// Server CPU per call, both in the same run, alternately: 4 connections with 8 calls under way each.
// Run: npx tsx --conditions=nereid-source bench/transport/grpc-unary.ts [seconds a round] [rounds]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LoadConnection } from './grpc-load.ts';

const secondsPerRound = Number(process.argv[2] ?? 3);
const roundCount = Number(process.argv[3] ?? 3);
const messageBytes = 180;
const connectionCount = 4;
const callsPerConnection = 8;
const serverPath = fileURLToPath(new URL('./grpc-echo-server.ts', import.meta.url));

interface Echo {
  readonly kind: 'ours' | 'node';
  readonly child: ChildProcess;
  readonly port: number;
  readonly cpuUs: number[];
  readonly callsPerSecond: number[];
}

async function start(kind: Echo['kind']): Promise<Echo> {
  const child = fork(serverPath, [kind]);
  const [port] = await once(child, 'message');
  return { kind, child, port, cpuUs: [], callsPerSecond: [] };
}

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [usage] = (await once(child, 'message')) as [NodeJS.CpuUsage];
  return usage.user + usage.system;
}

async function measure(echo: Echo, seconds: number): Promise<void> {
  const connections = await Promise.all(
    Array.from({ length: connectionCount }, () =>
      LoadConnection.open(echo.port, messageBytes, callsPerConnection),
    ),
  );
  const done = (): number => connections.reduce((sum, { doneCalls }) => sum + doneCalls, 0);
  const countBefore = done();
  const before = await cpuOf(echo.child);
  await sleep(seconds * 1000);
  const after = await cpuOf(echo.child);
  const count = done() - countBefore;
  for (const connection of connections) connection.close();
  if (!(count > 0)) throw new Error(`${echo.kind} answered nothing`);
  echo.cpuUs.push((after - before) / count);
  echo.callsPerSecond.push(count / seconds);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const echoes = [await start('ours'), await start('node')];
try {
  for (const echo of echoes) {
    await measure(echo, 1);
    echo.cpuUs.length = 0;
    echo.callsPerSecond.length = 0;
  }
  for (let round = 0; round < roundCount; round++) {
    for (const echo of echoes) await measure(echo, secondsPerRound);
  }
} finally {
  for (const { child } of echoes) child.send('exit');
}
const [ours, node] = echoes.map(({ kind, cpuUs, callsPerSecond }) => {
  const cpu = median(cpuUs);
  const rate = Math.round(median(callsPerSecond));
  console.log(`${kind}: ${cpu.toFixed(1)} µs of server CPU a call, ${rate} calls/s`);
  return cpu;
});
console.log(
  `ours / node:http2 = ${((ours as number) / (node as number)).toFixed(2)} ` +
    `(unary, ${messageBytes} bytes each way, ${connectionCount} connections with ` +
    `${callsPerConnection} calls under way, Node ${process.version})`,
);
