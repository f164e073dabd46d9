import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PerfAnalyzer } from '../../tools/perf-analyzer.mjs';

export interface LoadOptions {
  readonly model: string;
  readonly protocol: 'http' | 'grpc';
  readonly port: number;
  readonly concurrency: number;
  /** Of each of three measurements, whose mean counts. */
  readonly windowMs: number;
  /** For its report. */
  readonly folder: string;
}

/** What Triton's own load generator measured. */
export interface LoadReport {
  readonly perSecond: number;
  readonly p50Us: number;
}

/** Throws, with its output, where it fails. */
export async function runPerfAnalyzer(
  tool: PerfAnalyzer & { available: true },
  options: LoadOptions,
): Promise<LoadReport> {
  const { model, protocol, port, concurrency, windowMs, folder } = options;
  const report = join(folder, 'report.csv');
  const args = [
    ...['-m', model, '-i', protocol, '-u', `127.0.0.1:${port}`, '-f', report],
    ...['--concurrency-range', String(concurrency), '--measurement-interval', String(windowMs)],
    // Three windows, however much they differ: the rounds of the benchmark tell that.
    ...['--stability-percentage=999', '--percentile=50'],
  ];
  const child = spawn(tool.path, args, { env: { ...process.env, ...tool.env } });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`perf_analyzer failed: ${output}`);
  const [header = '', line = ''] = readFileSync(report, 'utf8').trim().split('\n');
  const values = line.split(',');
  const column = (name: string): number => Number(values[header.split(',').indexOf(name)]);
  return { perSecond: column('Inferences/Second'), p50Us: column('p50 latency') };
}
