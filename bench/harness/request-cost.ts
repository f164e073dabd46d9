import { printTable } from './claim-report.ts';
import { cpuSeconds } from './process-usage.ts';

/** Requests of one kind to one server. */
export interface MeasuredRequest {
  readonly name: string;
  /** Process id of the server. */
  readonly pid: number;
  /** Sends one, and resolves when its answer is in. */
  readonly ask: () => Promise<unknown>;
}

/** What a request took, round by round. */
export interface RequestCost {
  readonly milliseconds: readonly number[];
  /** Processor time of the server. */
  readonly cpuMilliseconds: readonly number[];
}

/** How often it is measured. */
export interface Rounds {
  readonly rounds: number;
  readonly roundRequests: number;
}

/** Measures requests in turn, after a round to warm up, prints the table, and gives what each of them took. */
export async function compareRequestCost<Requests extends readonly MeasuredRequest[]>(
  what: string,
  requests: Requests,
  { rounds, roundRequests }: Rounds,
): Promise<{ readonly [Index in keyof Requests]: RequestCost }> {
  const measured = requests.map((request) => ({
    ...request,
    milliseconds: [] as number[],
    cpuMilliseconds: [] as number[],
  }));
  for (let warmUp = 0; warmUp < roundRequests; warmUp += 1) {
    for (const { ask } of measured) await ask();
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { pid, ask, milliseconds, cpuMilliseconds } of measured) {
      const cpuBefore = cpuSeconds(pid);
      const begin = performance.now();
      for (let count = 0; count < roundRequests; count += 1) await ask();
      milliseconds.push((performance.now() - begin) / roundRequests);
      cpuMilliseconds.push(((cpuSeconds(pid) - cpuBefore) * 1000) / roundRequests);
    }
  }
  printTable(
    `${what}, ${rounds} rounds of ${roundRequests} requests in turn`,
    [
      { title: 'time, ms/request', digits: 2 },
      { title: 'server CPU, ms/request', digits: 2 },
    ],
    measured.map(({ name, milliseconds, cpuMilliseconds }) => ({
      name,
      samples: [milliseconds, cpuMilliseconds],
    })),
  );
  return measured as unknown as { readonly [Index in keyof Requests]: RequestCost };
}
