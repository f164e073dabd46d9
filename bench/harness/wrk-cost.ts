import { treeCpuSeconds } from './process-usage.ts';
import { runWrk } from './wrk.ts';

/** What requests of one kind took under a load of wrk. */
export interface WrkCost {
  /** Processor time of the server and of what it has started, for a request. */
  readonly cpuMicroseconds: number;
  readonly requestsPerSecond: number;
}

/** Loads a server of this machine for some seconds. @param pid Of the server. */
export async function wrkCost(
  pid: number,
  script: string,
  port: number,
  connections: number,
  seconds: number,
): Promise<WrkCost> {
  const before = treeCpuSeconds(pid);
  const { requests, requestsPerSecond } = await runWrk(script, port, connections, seconds);
  const cpuMicroseconds = ((treeCpuSeconds(pid) - before) * 1e6) / requests;
  return { cpuMicroseconds, requestsPerSecond };
}
