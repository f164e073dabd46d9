import { readdirSync, readFileSync } from 'node:fs';

/** `sysconf(_SC_CLK_TCK)` of every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Fields of /proc/PID/stat after the command name, which may hold spaces: proc(5) counts from 1. */
const firstField = 3;
const parentField = 4;
const userTimeField = 14;
const systemTimeField = 15;

/** Processor time that a process has taken so far with all of its threads, in seconds. */
export function cpuSeconds(pid: number): number {
  const numbers = statNumbers(pid);
  const ticks = (field: number): number => numbers[field - firstField] as number;
  return (ticks(userTimeField) + ticks(systemTimeField)) / ticksPerSecond;
}

/** The same of a process and all that it has started, those that live. */
export function treeCpuSeconds(pid: number): number {
  let seconds = cpuSeconds(pid);
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/u.test(name) && parentOf(Number(name)) === pid)
      seconds += treeCpuSeconds(Number(name));
  }
  return seconds;
}

/** Null for one that has just ended. */
function parentOf(pid: number): number | null {
  try {
    return statNumbers(pid)[parentField - firstField] as number;
  } catch {
    return null;
  }
}

function statNumbers(pid: number): readonly number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (found === null) throw new Error(`process ${pid} has no resident memory`);
  return Number(found[1]) * 1024;
}
