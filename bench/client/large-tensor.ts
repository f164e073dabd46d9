/**
 * Claim: our client copies no tensor. To send one of [1,3,640,640] FP32 (4.9 MB) and take it back costs it over
 * HTTP at most 1.15 of the processor time of a bare socket that writes and reads the same bytes, over gRPC
 * at most 1.5; of what Triton's Python client takes at most 0.7, of grpc-js 0.3.
 */
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { cpuSeconds } from '../harness/process-usage.ts';
import { writeProtoFiles } from '../harness/proto-files.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 9;
const inferencesEach = 60;
const config = `backend: "identity"
max_batch_size: 0
input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1, 3, 640, 640 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1, 3, 640, 640 ] } ]
`;

// Memory that is freed stays with the process, in all of them alike. When the C library gives tensors back to the
// system, each answer costs a thousand page faults, and whether it does is chance: it made rounds differ by half.
process.env['MALLOC_MMAP_THRESHOLD_'] = String(32 * 1024 * 1024);
process.env['MALLOC_TRIM_THRESHOLD_'] = String(1024 * 1024 * 1024);

async function main(): Promise<void> {
  const server = await startServer(
    `--model-repository=${repositoryOf({ 'image/config.pbtxt': config, 'image/1/x': '' })}`,
  );
  const http = `127.0.0.1:${server.port}`;
  const grpc = `127.0.0.1:${server.grpcPort}`;
  const start = (language: 'mjs' | 'py', ...args: string[]): Promise<PeerProcess> =>
    PeerProcess.start(`client-large.${language}`, args);
  const clients = {
    'a bare socket': await start('mjs', 'socket', http),
    'nereid over HTTP': await start('mjs', 'http', http),
    'nereid over gRPC': await start('mjs', 'grpc', grpc),
    'tritonclient.http': await start('py', 'http', http),
    'tritonclient.grpc': await start('py', 'grpc', grpc),
    'grpc-js': await start('mjs', 'grpc-js', grpc, writeProtoFiles()),
  };
  type Name = keyof typeof clients;
  const empty = (): Record<Name, number[]> =>
    Object.fromEntries(Object.keys(clients).map((name) => [name, []])) as unknown as Record<
      Name,
      number[]
    >;
  const [cpu, time] = [empty(), empty()];
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, client] of Object.entries(clients) as [Name, PeerProcess][]) {
      const [before, begin] = [cpuSeconds(client.pid), performance.now()];
      await client.ask(String(inferencesEach));
      time[name].push((performance.now() - begin) / inferencesEach);
      cpu[name].push(((cpuSeconds(client.pid) - before) * 1e3) / inferencesEach);
    }
  }
  printTable(
    `[1,3,640,640] FP32 there and back, ${rounds} rounds of ${inferencesEach} inferences in turn`,
    [
      { title: 'client CPU, ms/inference', digits: 2 },
      { title: 'time, ms/inference', digits: 2 },
    ],
    (Object.keys(clients) as Name[]).map((name) => ({ name, samples: [cpu[name], time[name]] })),
  );
  const claim = (ours: Name, peer: Name, atMost: number): void =>
    printVerdict(`client CPU of 4.9 MB, ${ours} to ${peer}`, ratioOf(cpu[ours], cpu[peer]), {
      atMost,
    });
  claim('nereid over HTTP', 'a bare socket', 1.15);
  claim('nereid over gRPC', 'a bare socket', 1.5);
  claim('nereid over HTTP', 'tritonclient.http', 0.7);
  claim('nereid over gRPC', 'tritonclient.grpc', 0.7);
  claim('nereid over gRPC', 'grpc-js', 0.3);
  for (const client of Object.values(clients)) await client.stop();
  await server.stop();
}

await main();
