import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensurePerfAnalyzer } from '../../tools/perf-analyzer.mjs';
import { exampleModels } from './checkout.ts';
import { runCommand } from './run-command.ts';

const tool = ensurePerfAnalyzer();
let server: ServerProcess;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-load-'));
  server = await ServerProcess.start({ flags: [`--model-repository=${exampleModels}`] });
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  expect((await server?.stop())?.status).toBe(0);
});

const reason = tool.available ? '' : ` (skipped: ${tool.reason})`;

/** Runs perf_analyzer against `model`; gives a line of numbers for each concurrency. */
async function load(
  model: string,
  args: readonly string[],
  port: number | null = server.port,
): Promise<Record<string, number>[]> {
  if (!tool.available) throw new Error(tool.reason);
  const report = join(folder, `${model}.csv`);
  const end = await runCommand(
    tool.path,
    [
      ...['-m', model, '-u', `127.0.0.1:${port}`, '-f', report],
      // Two short windows each: this asks for correctness, not for numbers.
      ...['--measurement-mode=count_windows', '--measurement-request-count=100'],
      ...['--stability-percentage=999', '--max-trials=10', ...args],
    ],
    tool.env,
  );
  expect(end.status, end.output).toBe(0);
  expect(end.output).not.toMatch(/error|failed/iu);
  const [header = '', ...lines] = readFileSync(report, 'utf8').trim().split('\n');
  const names = header.split(',');
  return lines.map((line) => {
    const values = line.split(',').map(Number);
    return Object.fromEntries(names.map((name, i) => [name, values[i] ?? Number.NaN]));
  });
}

it.skipIf(!tool.available)(`takes 1 to 32 requests at a time${reason}`, async () => {
  const rows = await load('simple', ['--concurrency-range=1:32:31']);
  expect(rows.map((row) => row['Concurrency']).sort()).toEqual([1, 32]);
  for (const row of rows) expect(row['Inferences/Second']).toBeGreaterThan(0);
});

it.skipIf(!tool.available)(`takes asynchronous requests in batches${reason}`, async () => {
  const [row] = await load('digits', ['--concurrency-range=8', '--async', '-b', '4']);
  expect(row?.['Concurrency']).toBe(8);
  expect(row?.['Inferences/Second']).toBeGreaterThan(0);
});

it.skipIf(!tool.available)(`takes strings of perf_analyzer's own${reason}`, async () => {
  const [row] = await load('simple_identity', ['--concurrency-range=4', '--shape=INPUT0:8']);
  expect(row?.['Inferences/Second']).toBeGreaterThan(0);
});

it.skipIf(!tool.available)(`takes gRPC, on either port${reason}`, async () => {
  for (const port of [server.grpcPort, server.port]) {
    const rows = await load('simple', ['-i', 'grpc', '--concurrency-range=1:8:7'], port);
    rows.push(...(await load('simple', ['-i', 'grpc', '--concurrency-range=32'], port)));
    expect(new Set(rows.map((row) => row['Concurrency']))).toEqual(new Set([1, 8, 32]));
    for (const row of rows) expect(row['Inferences/Second']).toBeGreaterThan(0);
  }
});

it.skipIf(!tool.available)(`takes gRPC streams${reason}`, async () => {
  const args = ['-i', 'grpc', '--streaming', '--async', '--concurrency-range=8'];
  const [row] = await load('simple', args, server.grpcPort);
  expect(row?.['Inferences/Second']).toBeGreaterThan(0);
});

it.skipIf(!tool.available)(`takes HTTP on the port of gRPC${reason}`, async () => {
  const [row] = await load('simple', ['--concurrency-range=4'], server.grpcPort);
  expect(row?.['Inferences/Second']).toBeGreaterThan(0);
});

it.skipIf(!tool.available).each([
  // Every request by itself, and requests that are joined.
  ['simple', 1],
  ['digits', 16],
])(`shows sane times of the server: %s, %i at a time${reason}`, async (model, concurrency) => {
  const [row = {}] = await load(model, [`--concurrency-range=${concurrency}`]);
  const parts = ['Queue', 'Compute Input', 'Compute Infer', 'Compute Output'];
  const microseconds = parts.map((part) => row[`Server ${part}`] ?? Number.NaN);
  for (const part of microseconds) expect(part).toBeGreaterThanOrEqual(0);
  expect(row['Server Compute Infer']).toBeGreaterThan(0);
  // What the client sees is what the server tells and what is between them; never less.
  expect(row['Network+Server Send/Recv']).toBeGreaterThanOrEqual(0);
});
