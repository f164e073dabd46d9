import { readFileSync } from 'node:fs';

/** Reads a small text file; null when it cannot be read. */
export type ReadText = (path: string) => string | null;

/** What processor and memory were doing at one moment. */
export interface SystemUsage {
  /** Processor seconds used so far, of the container with a quota, else of the machine. */
  readonly cpuUsedSecs: number;
  /** Processor seconds that could have been used so far, on the same scale. */
  readonly cpuAvailableSecs: number;
  readonly memoryTotalBytes: number;
  readonly memoryUsedBytes: number;
}

/** The kernel reports processor time in hundredths of a second (USER_HZ). */
const ticksPerSec = 100;

/** Reads from the running system. */
export const readSystemFile: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

/**
 * Looks at /proc and at the control group (version 1 or 2) that the process is in. Where that group
 * has a limit, the limit is the machine: a server with 2 of 64 processors is busy when 2 are.
 * @param nowSecs monotonic time of the reading
 * @returns null where there is no /proc
 */
export function readSystemUsage(read: ReadText, nowSecs: number): SystemUsage | null {
  const memory = machineMemory(read('/proc/meminfo'));
  const cpu = machineCpu(read('/proc/stat'));
  if (memory === null || cpu === null) return null;
  const groups = read('/proc/self/cgroup') ?? '';
  const limited = groupMemory(read, groups);
  const quota = groupCpu(read, groups);
  return {
    cpuUsedSecs: quota?.usedSecs ?? cpu.usedSecs,
    cpuAvailableSecs: quota === null ? cpu.totalSecs : quota.cores * nowSecs,
    ...(limited !== null && limited.memoryTotalBytes < memory.memoryTotalBytes ? limited : memory),
  };
}

/** Bytes of a process that are in memory, null when it is gone or there is no /proc. */
export function residentMemory(read: ReadText, pid: number): number | null {
  return kilobytes(read(`/proc/${pid}/status`), 'VmRSS');
}

type MemoryUsage = Pick<SystemUsage, 'memoryTotalBytes' | 'memoryUsedBytes'>;

function machineMemory(text: string | null): MemoryUsage | null {
  const total = kilobytes(text, 'MemTotal');
  const available = kilobytes(text, 'MemAvailable');
  if (total === null || available === null) return null;
  return { memoryTotalBytes: total, memoryUsedBytes: Math.max(0, total - available) };
}

function kilobytes(text: string | null, name: string): number | null {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text ?? '');
  return match === null ? null : Number(match[1]) * 1024;
}

function machineCpu(text: string | null): { usedSecs: number; totalSecs: number } | null {
  const match = /^cpu +(.*)$/m.exec(text ?? '');
  if (match === null) return null;
  // user nice system idle iowait irq softirq steal
  const ticks = match[1]!.split(' ').slice(0, 8).map(Number);
  if (ticks.length < 8 || ticks.some((tick) => !Number.isFinite(tick))) return null;
  const total = ticks.reduce((sum, tick) => sum + tick, 0);
  const idle = ticks[3]! + ticks[4]!;
  return { usedSecs: (total - idle) / ticksPerSec, totalSecs: total / ticksPerSec };
}

function groupMemory(read: ReadText, groups: string): MemoryUsage | null {
  for (const folder of groupFolders(groups, '', '')) {
    const limit = integer(read(`${folder}/memory.max`));
    const used = integer(read(`${folder}/memory.current`));
    if (limit === null || used === null) continue;
    return workingSet(limit, used, read(`${folder}/memory.stat`), 'inactive_file');
  }
  for (const folder of groupFolders(groups, 'memory', '/memory')) {
    const limit = integer(read(`${folder}/memory.limit_in_bytes`));
    const used = integer(read(`${folder}/memory.usage_in_bytes`));
    if (limit === null || used === null) continue;
    return workingSet(limit, used, read(`${folder}/memory.stat`), 'total_inactive_file');
  }
  return null;
}

/** Pages of files that were not used for a while are given back when memory runs short: they do not count. */
function workingSet(
  limitBytes: number,
  usedBytes: number,
  stat: string | null,
  inactiveName: string,
): MemoryUsage {
  const inactive = new RegExp(`^${inactiveName} (\\d+)$`, 'm').exec(stat ?? '');
  const inactiveBytes = inactive === null ? 0 : Number(inactive[1]);
  return {
    memoryTotalBytes: limitBytes,
    memoryUsedBytes: Math.max(0, usedBytes - inactiveBytes),
  };
}

function groupCpu(read: ReadText, groups: string): { usedSecs: number; cores: number } | null {
  for (const folder of groupFolders(groups, '', '')) {
    const quota = /^(\d+) (\d+)/.exec(read(`${folder}/cpu.max`) ?? '');
    const used = /^usage_usec (\d+)$/m.exec(read(`${folder}/cpu.stat`) ?? '');
    if (quota === null || used === null) continue;
    return { usedSecs: Number(used[1]) / 1e6, cores: Number(quota[1]) / Number(quota[2]) };
  }
  const accounting = groupFolders(groups, 'cpuacct', '/cpuacct');
  for (const folder of groupFolders(groups, 'cpu', '/cpu')) {
    const quota = integer(read(`${folder}/cpu.cfs_quota_us`));
    const period = integer(read(`${folder}/cpu.cfs_period_us`));
    if (quota === null || period === null || quota <= 0) continue;
    for (const accountingFolder of accounting) {
      const usedNs = integer(read(`${accountingFolder}/cpuacct.usage`));
      if (usedNs !== null) return { usedSecs: usedNs / 1e9, cores: quota / period };
    }
  }
  return null;
}

/**
 * Where a controller's files may lie: at the path that the kernel tells and, inside a container that
 * sees only its own part of the tree, at the mount point itself.
 */
function groupFolders(groups: string, controller: string, mount: string): readonly string[] {
  const root = `/sys/fs/cgroup${mount}`;
  for (const line of groups.split('\n')) {
    const [, controllers, path] = line.split(':', 3);
    if (controllers === undefined || path === undefined) continue;
    if (!controllers.split(',').includes(controller)) continue;
    return path === '/' ? [root] : [`${root}${path}`, root];
  }
  return [root];
}

function integer(text: string | null): number | null {
  return text !== null && /^-?\d+\s*$/.test(text) ? Number(text) : null;
}
