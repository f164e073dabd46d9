/**
 * Claim: tracing the times of one request in a thousand (the default rate) costs the server at most
 * 1.02 of the processor time that requests cost without tracing. Beside it: tracing every request.
 * One server, turned over by its own trace settings, so that nothing else differs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerProcess } from '@nereid/test-kit';
import { exampleRepository } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import { simpleInference } from '../harness/infer-request.ts';
import { ratioOf } from '../harness/spread.ts';
import { runWrk, wrkMissing, wrkScript } from '../harness/wrk.ts';
import { wrkCost } from '../harness/wrk-cost.ts';

const rounds = 15;
const roundSeconds = 1;
const connections = 16;

const contestants = [
  { name: 'without tracing', settings: { trace_level: ['OFF'] } },
  { name: 'one in 1000', settings: { trace_level: ['TIMESTAMPS'], trace_rate: '1000' } },
  { name: 'every request', settings: { trace_level: ['TIMESTAMPS'], trace_rate: '1' } },
] as const;

async function change(server: ServerProcess, settings: object): Promise<void> {
  const body = JSON.stringify(settings);
  const { status } = await fetch(`${server.url}/v2/trace/setting`, { method: 'POST', body });
  if (status !== 200) throw new Error(`the trace settings were refused with ${status}`);
}

async function main(): Promise<void> {
  const missing = wrkMissing();
  if (missing !== null) {
    printSkipped('tracing', missing);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'nereid-traces-'));
  const server = await startServer(
    `--model-repository=${exampleRepository(['simple'])}`,
    `--trace-config=triton,file=${join(folder, 'trace.json')}`,
  );
  const script = wrkScript(simpleInference());
  const cpu: number[][] = contestants.map(() => []);
  await runWrk(script, server.port, connections, 2 * roundSeconds);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { settings }] of contestants.entries()) {
      await change(server, settings);
      const cost = await wrkCost(server.pid, script, server.port, connections, roundSeconds);
      cpu[index]?.push(cost.cpuMicroseconds);
    }
  }
  printTable(
    `Small inference over HTTP, wrk -c${connections}, ${rounds} rounds of ${roundSeconds} s in turn`,
    [{ title: 'server CPU, µs/request', digits: 2 }],
    contestants.map(({ name }, index) => ({ name, samples: [cpu[index] ?? []] })),
  );
  printVerdict(
    'server CPU per request with one in 1000 traced to that without tracing',
    ratioOf(cpu[1] ?? [], cpu[0] ?? []),
    { atMost: 1.02 },
  );
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

await main();
