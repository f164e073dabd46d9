/**
 * Claim: a small inference costs our client at most half the processor time that Triton's Python client
 * takes, and over gRPC at most 0.7 of what grpc-js takes, all of the same server.
 */
import { exampleRepository } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { cpuSeconds } from '../harness/process-usage.ts';
import { writeProtoFiles } from '../harness/proto-files.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 7;
const inferencesEach = 2000;

async function main(): Promise<void> {
  const server = await startServer(`--model-repository=${exampleRepository(['simple'])}`);
  const address = `127.0.0.1:${server.port}`;
  const clients = {
    'tritonclient.http': await PeerProcess.start('client-loop.py', ['http', address]),
    'nereid over HTTP': await PeerProcess.start('client-loop.mjs', ['http', address]),
    'tritonclient.grpc': await PeerProcess.start('client-loop.py', ['grpc', address]),
    'grpc-js': await PeerProcess.start('client-loop.mjs', ['grpc-js', address, writeProtoFiles()]),
    'nereid over gRPC': await PeerProcess.start('client-loop.mjs', ['grpc', address]),
  };
  const samples = Object.fromEntries(
    Object.keys(clients).map((name) => [name, [] as number[]]),
  ) as Record<keyof typeof clients, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, client] of Object.entries(clients)) {
      const before = cpuSeconds(client.pid);
      await client.ask(String(inferencesEach));
      const spent = cpuSeconds(client.pid) - before;
      samples[name as keyof typeof clients].push((spent * 1e6) / inferencesEach);
    }
  }
  printTable(
    `Client CPU of a small inference, ${rounds} rounds of ${inferencesEach} in turn`,
    [{ title: 'client CPU, µs/inference', digits: 1 }],
    Object.entries(samples).map(([name, cpu]) => ({ name, samples: [cpu] })),
  );
  const claim = (ours: keyof typeof clients, peer: keyof typeof clients, atMost: number): void =>
    printVerdict(`client CPU, ${ours} to ${peer}`, ratioOf(samples[ours], samples[peer]), {
      atMost,
    });
  claim('nereid over HTTP', 'tritonclient.http', 0.5);
  claim('nereid over gRPC', 'tritonclient.grpc', 0.5);
  claim('nereid over gRPC', 'grpc-js', 0.7);
  for (const client of Object.values(clients)) await client.stop();
  await server.stop();
}

await main();
