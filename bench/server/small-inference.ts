/**
 * Claim: a small inference with binary tensor data over HTTP costs the server hardly more processor
 * time than a bare `node:http` server takes to echo JSON of the same size (at most 1.1 times), and
 * the server answers more of them a second under 16 connections.
 */
import { exampleRepository } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import { checkSimpleAnswer, postBytes, simpleInference } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { ratioOf } from '../harness/spread.ts';
import { runWrk, wrkMissing, wrkScript } from '../harness/wrk.ts';
import { wrkCost } from '../harness/wrk-cost.ts';

const rounds = 5;
const roundSeconds = 1;
const connectionCounts: readonly number[] = [16, 1];

interface Contestant {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly script: string;
}

interface Samples {
  readonly rates: number[];
  readonly cpuMicroseconds: number[];
}

async function measure(contestant: Contestant, connections: number, into: Samples): Promise<void> {
  const { pid, script, port } = contestant;
  const cost = await wrkCost(pid, script, port, connections, roundSeconds);
  into.rates.push(cost.requestsPerSecond);
  into.cpuMicroseconds.push(cost.cpuMicroseconds);
}

async function compare(
  echo: Contestant,
  nereid: Contestant,
  connections: number,
): Promise<readonly [Samples, Samples]> {
  const samples = [echo, nereid].map((): Samples => ({ rates: [], cpuMicroseconds: [] }));
  const [ofEcho, ofNereid] = samples as [Samples, Samples];
  for (let round = 0; round < rounds; round += 1) {
    await measure(echo, connections, ofEcho);
    await measure(nereid, connections, ofNereid);
  }
  return [ofEcho, ofNereid];
}

/** JSON of exactly so many bytes: the same inference as JSON, and a name that fills it up. */
function jsonOfBytes(byteLength: number): Buffer {
  const value = (id: string): Buffer =>
    Buffer.from(
      JSON.stringify({
        id,
        inputs: ['INPUT0', 'INPUT1'].map((name) => ({
          name,
          shape: [1, 16],
          datatype: 'INT32',
          data: Array.from({ length: 16 }, (_, index) => index),
        })),
      }),
    );
  return value('x'.repeat(Math.max(0, byteLength - value('').length)));
}

async function main(): Promise<void> {
  const missing = wrkMissing();
  if (missing !== null) {
    printSkipped('small inference over HTTP', missing);
    return;
  }
  const inference = simpleInference();
  const server = await startServer(`--model-repository=${exampleRepository(['simple'])}`);
  const client = await KeepAliveClient.connect(server.port);
  checkSimpleAnswer(await client.ask(postBytes(inference)));
  client.close();
  const json = jsonOfBytes(inference.body.length);
  const peer = await PeerProcess.start('json-echo.mjs');
  const echo: Contestant = {
    name: `node:http echo, ${json.length} bytes of JSON`,
    pid: peer.pid,
    port: Number(peer.firstLine),
    script: wrkScript({
      path: '/',
      headers: { 'Content-Type': 'application/json' },
      body: json,
    }),
  };
  const nereid: Contestant = {
    name: `nereid, simple, ${inference.body.length} bytes binary`,
    pid: server.pid,
    port: server.port,
    script: wrkScript(inference),
  };
  for (const contestant of [echo, nereid]) {
    await runWrk(contestant.script, contestant.port, 16, roundSeconds);
  }
  for (const connections of connectionCounts) {
    const [ofEcho, ofNereid] = await compare(echo, nereid, connections);
    printTable(
      `Small inference over HTTP, wrk -c${connections}, ${rounds} rounds of ${roundSeconds} s in turn`,
      [
        { title: 'server CPU, µs/request', digits: 1 },
        { title: 'requests/s', digits: 0 },
      ],
      [
        { name: echo.name, samples: [ofEcho.cpuMicroseconds, ofEcho.rates] },
        { name: nereid.name, samples: [ofNereid.cpuMicroseconds, ofNereid.rates] },
      ],
    );
    printVerdict(
      `server CPU per request of a small inference to that of a JSON echo, -c${connections}`,
      ratioOf(ofNereid.cpuMicroseconds, ofEcho.cpuMicroseconds),
      { atMost: 1.1 },
    );
    if (connections === 1) continue;
    printVerdict(
      `throughput of a small inference to that of a JSON echo, -c${connections}`,
      ratioOf(ofNereid.rates, ofEcho.rates),
      { atLeast: 1 },
    );
  }
  await peer.stop();
  await server.stop();
}

await main();
