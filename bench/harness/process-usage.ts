import { childrenOf, processStat } from '@nereid/test-kit';

/** `sysconf(_SC_CLK_TCK)` of every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Processor time that a process has taken so far with all of its threads, in seconds. */
export function cpuSeconds(pid: number): number {
  return processStat(pid).cpuTicks / ticksPerSecond;
}

/** The same of a process and all that it has started, those that live. */
export function treeCpuSeconds(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + treeCpuSeconds(child), cpuSeconds(pid));
}
