/**
 * Claim: Triton's own perf_analyzer ends without an error over gRPC with 1, 8 and 32 requests at a time,
 * and gets at least 0.9 of the inferences a second that it gets over HTTP from the same server.
 */
import { ensurePerfAnalyzer } from '../../tools/perf-analyzer.mjs';
import { exampleRepository, temporaryFolder } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printSkipped, printTable, printVerdict } from '../harness/claim-report.ts';
import { type LoadReport, runPerfAnalyzer } from '../harness/perf-analyzer.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 3;
const windowMs = 700;
const concurrencies: readonly number[] = [1, 8, 32];
const protocols = ['http', 'grpc'] as const;

type Protocol = (typeof protocols)[number];

async function main(): Promise<void> {
  const tool = ensurePerfAnalyzer();
  if (!tool.available) return printSkipped('perf_analyzer over gRPC', tool.reason);
  const server = await startServer(`--model-repository=${exampleRepository(['simple'])}`);
  const ports = { http: server.port, grpc: server.grpcPort ?? 0 };
  const folder = temporaryFolder();
  for (const concurrency of concurrencies) {
    const reports: Record<Protocol, LoadReport[]> = { http: [], grpc: [] };
    for (let round = 0; round < rounds; round += 1) {
      for (const protocol of protocols) {
        const port = ports[protocol];
        const load = { model: 'simple', protocol, port, concurrency, windowMs, folder };
        reports[protocol].push(await runPerfAnalyzer(tool, load));
      }
    }
    const rates = (protocol: Protocol): number[] => reports[protocol].map((one) => one.perSecond);
    printTable(
      `simple, perf_analyzer with ${concurrency} at a time, ${rounds} rounds in turn`,
      [
        { title: 'inferences/s', digits: 0 },
        { title: 'p50, µs', digits: 0 },
      ],
      protocols.map((protocol) => ({
        name: `nereid over ${protocol}`,
        samples: [rates(protocol), reports[protocol].map((one) => one.p50Us)],
      })),
    );
    printVerdict(
      `inferences a second over gRPC to those over HTTP, perf_analyzer with ${concurrency} at a time`,
      ratioOf(rates('grpc'), rates('http')),
      { atLeast: 0.9 },
    );
  }
  await server.stop();
}

await main();
