/**
 * Claim: a small inference over gRPC costs the server at most 0.85 of the processor time that a bare
 * `node:http` server takes to echo JSON of the same size, and at least 3 times as many are answered a second
 * as by the same handler behind grpc-js.
 */
import { encodeMessage } from '@nereid/protocol';
import { exampleRepository } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import { grpcMessage, type H2loadRequest, h2loadMissing, runH2load } from '../harness/h2load.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { cpuSeconds } from '../harness/process-usage.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 7;
const roundRequests = 20_000;
const connections = 4;
const streams = 8;

interface Contestant {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly request: H2loadRequest;
  readonly rates: number[];
  readonly cpuMicroseconds: number[];
}

function inferRequest(): H2loadRequest {
  const raw = (at: (index: number) => number): Buffer =>
    Buffer.from(Int32Array.from({ length: 16 }, (_, index) => at(index)).buffer);
  const message = encodeMessage('inference.ModelInferRequest', {
    model_name: 'simple',
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
    raw_input_contents: [raw((index) => index), raw(() => 1)],
  });
  return {
    path: '/inference.GRPCInferenceService/ModelInfer',
    headers: { 'content-type': 'application/grpc', te: 'trailers' },
    body: grpcMessage(message),
  };
}

/** Each connection has so many requests under way; over HTTP/1.1 there are as many connections instead. */
async function measure(one: Contestant): Promise<void> {
  const before = cpuSeconds(one.pid);
  const http1 = one.request.http1 === true;
  const { requestsPerSecond } = await runH2load(
    one.request,
    one.port,
    http1 ? connections * streams : connections,
    http1 ? 1 : streams,
    roundRequests,
  );
  one.rates.push(requestsPerSecond);
  one.cpuMicroseconds.push(((cpuSeconds(one.pid) - before) * 1e6) / roundRequests);
}

async function main(): Promise<void> {
  const missing = h2loadMissing();
  if (missing !== null) {
    printSkipped('small inference over gRPC', missing);
    return;
  }
  const repository = exampleRepository(['simple']);
  const server = await startServer(`--model-repository=${repository}`);
  const grpcJs = await PeerProcess.start('grpc-js-infer.ts', [repository]);
  const echo = await PeerProcess.start('json-echo.mjs');
  const request = inferRequest();
  const json = Buffer.from(JSON.stringify({ text: 'x'.repeat(request.body.length - 11) }));
  const jsonRequest: H2loadRequest = {
    path: '/',
    headers: { 'content-type': 'application/json' },
    body: json,
    http1: true,
  };
  const contestant = (
    name: string,
    pid: number,
    port: number,
    sent: H2loadRequest,
  ): Contestant => ({ name, pid, port, request: sent, rates: [], cpuMicroseconds: [] });
  const contestants = [
    contestant('node:http echo of JSON', echo.pid, Number(echo.firstLine), jsonRequest),
    contestant('grpc-js, our handler', grpcJs.pid, Number(grpcJs.firstLine), request),
    contestant('nereid', server.pid, server.grpcPort ?? 0, request),
  ] as const;
  for (const one of contestants) await measure(one);
  for (const { rates, cpuMicroseconds } of contestants) {
    rates.length = 0;
    cpuMicroseconds.length = 0;
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const one of contestants) await measure(one);
  }
  printTable(
    `Small inference over gRPC, h2load -c${connections} -m${streams}, ${request.body.length} bytes, ${rounds} rounds of ${roundRequests} in turn`,
    [
      { title: 'server CPU, µs/request', digits: 1 },
      { title: 'requests/s', digits: 0 },
    ],
    contestants.map(({ name, cpuMicroseconds, rates }) => ({
      name,
      samples: [cpuMicroseconds, rates],
    })),
  );
  const [ofEcho, ofGrpcJs, ofNereid] = contestants;
  printVerdict(
    'server CPU of a small inference over gRPC to that of a JSON echo',
    ratioOf(ofNereid.cpuMicroseconds, ofEcho.cpuMicroseconds),
    { atMost: 0.85 },
  );
  printVerdict(
    'throughput of a small inference over gRPC to the same handler on grpc-js',
    ratioOf(ofNereid.rates, ofGrpcJs.rates),
    { atLeast: 3 },
  );
  await grpcJs.stop();
  await echo.stop();
  await server.stop();
}

await main();
