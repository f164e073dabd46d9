/**
 * Claim: metrics cost the server nothing that a profile can see. Processor time for a small inference
 * over HTTP with metrics, to that without: at most 1.02 times; with every histogram of latencies, at
 * most 1.03 times.
 */
import type { ServerProcess } from '@nereid/test-kit';
import { exampleRepository } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import { simpleInference } from '../harness/infer-request.ts';
import { rotated } from '../harness/rotated.ts';
import { ratioOf } from '../harness/spread.ts';
import { wrkMissing, wrkScript } from '../harness/wrk.ts';
import { wrkCost } from '../harness/wrk-cost.ts';

const rounds = 15;
const roundSeconds = 1;
const warmUpRounds = 3;
const connections = 8;

const variants = [
  { name: 'without metrics', flags: ['--allow-metrics=false'] },
  { name: 'with metrics', flags: [] },
  { name: 'with histograms', flags: ['--metrics-config=histogram_latencies=true'] },
] as const;

async function microsecondsPerRequest(server: ServerProcess, script: string): Promise<number> {
  const cost = await wrkCost(server.pid, script, server.port, connections, roundSeconds);
  return cost.cpuMicroseconds;
}

async function main(): Promise<void> {
  const missing = wrkMissing();
  if (missing !== null) {
    printSkipped('the cost of metrics', missing);
    return;
  }
  const script = wrkScript(simpleInference());
  const repository = `--model-repository=${exampleRepository(['simple'])}`;
  const servers: ServerProcess[] = [];
  for (const { flags } of variants) servers.push(await startServer(repository, ...flags));
  const samples = servers.map((): number[] => []);
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    for (const [index, server] of rotated([...servers.entries()], round + warmUpRounds)) {
      const took = await microsecondsPerRequest(server, script);
      if (round >= 0) samples[index]?.push(took);
    }
  }
  const [without, plain, histograms] = samples as [number[], number[], number[]];
  printTable(
    `Small inference over HTTP, wrk -c${connections}, ${rounds} rounds of ${roundSeconds} s in turn`,
    [{ title: 'server CPU, µs/request', digits: 2 }],
    variants.map(({ name }, index) => ({ name, samples: [samples[index] as number[]] })),
  );
  printVerdict('server CPU per request with metrics to that without', ratioOf(plain, without), {
    atMost: 1.02,
  });
  printVerdict(
    'server CPU per request with histograms of latencies to that without metrics',
    ratioOf(histograms, without),
    { atMost: 1.03 },
  );
  for (const server of servers) await server.stop();
}

await main();
