import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What Linux tells of a process in /proc/PID/stat: proc(5). */
export interface ProcessStat {
  readonly parent: number;
  /** It has ended, and its parent has not asked how. */
  readonly isZombie: boolean;
  /** Processor time so far in all of its threads, in the clock ticks of `sysconf(_SC_CLK_TCK)`. */
  readonly cpuTicks: number;
}

/** Places in the line after the command's name, which may hold spaces. */
const stateAt = 0;
const parentAt = 1;
const userTimeAt = 11;
const systemTimeAt = 12;

/** @throws where there is no such process */
export function processStat(pid: number): ProcessStat {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return {
    parent: Number(fields[parentAt]),
    isZombie: fields[stateAt] === 'Z',
    cpuTicks: Number(fields[userTimeAt]) + Number(fields[systemTimeAt]),
  };
}

/** Null where there is no such process. */
function statOf(pid: number): ProcessStat | null {
  try {
    return processStat(pid);
  } catch {
    return null;
  }
}

/** Process ids of what `pid` has started, and has not ended. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((child) => {
      const stat = statOf(child);
      return stat !== null && stat.parent === pid && !stat.isZombie;
    });
}

/** Whether a process is there and has not ended. */
export function isAlive(pid: number): boolean {
  return statOf(pid)?.isZombie === false;
}

/** What the open descriptors of a process lead to. */
export function descriptorsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
    } catch {
      return [];
    }
  });
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (found === null) throw new Error(`process ${pid} has no resident memory`);
  return Number(found[1]) * 1024;
}

/** How many threads a process has. */
export function threadCount(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length;
}
