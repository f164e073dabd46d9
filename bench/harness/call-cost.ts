import { printTable } from './claim-report.ts';

const rounds = 7;
const roundMs = 120;

/** A function whose calls are measured. */
export interface MeasuredCall {
  readonly name: string;
  readonly run: () => unknown;
}

/** Processor time of one call, in microseconds. */
function costOf(run: () => unknown): number {
  const begin = process.cpuUsage();
  const spent = (): number => {
    const { user, system } = process.cpuUsage(begin);
    return user + system;
  };
  let calls = 0;
  for (let step = 1; spent() < roundMs * 1000; step = Math.min(step * 2, 10_000)) {
    for (let i = 0; i < step; i++) run();
    calls += step;
  }
  return spent() / calls;
}

/** Measures calls in turn, prints the table, and gives for each the microseconds of a call, round by round. */
export function compareCallCost(title: string, calls: readonly MeasuredCall[]): number[][] {
  const samples = calls.map((): number[] => []);
  for (const { run } of calls) costOf(run);
  for (let round = 0; round < rounds; round++) {
    calls.forEach(({ run }, index) => {
      samples[index]?.push(costOf(run));
    });
  }
  printTable(
    title,
    [{ title: 'CPU, µs/call', digits: 2 }],
    calls.map(({ name }, index) => ({ name, samples: [samples[index] ?? null] })),
  );
  return samples;
}
