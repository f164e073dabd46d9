import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** What `cpuQuota` asks of the machine; tests give their own. */
export interface CpuQuotaSource {
  /** Text of a file; null when it cannot be read. */
  readonly readText: (path: string) => string | null;
  /** CPUs that the scheduler may use for this process. */
  readonly availableParallelism: () => number;
}

const MACHINE: CpuQuotaSource = {
  readText: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null;
    }
  },
  availableParallelism,
};

const CGROUP_ROOT = '/sys/fs/cgroup';
/** Deeper than any real nesting; a bound on what a file can make us walk. */
const CGROUP_DEPTH_MAX = 64;

/** A group and all groups that it lies in, innermost first: the tightest of their quotas counts. */
function withParents(path: string): string[] {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .slice(0, CGROUP_DEPTH_MAX);
  return Array.from({ length: parts.length + 1 }, (_, index) =>
    ['', ...parts.slice(0, parts.length - index)].join('/'),
  );
}

/** CPUs that `quota` microseconds in every `period` microseconds make; null for no limit. */
function cpusOf(quota: string | undefined, period: string | undefined): number | null {
  const quotaUs = Number(quota);
  const periodUs = Number(period);
  if (!(quotaUs > 0) || !(periodUs > 0)) return null;
  return quotaUs / periodUs;
}

/** cgroup v2: `cpu.max` holds "quota period", or "max period". */
function quotaV2(source: CpuQuotaSource, folder: string): number | null {
  const [quota, period] = (source.readText(`${folder}/cpu.max`) ?? '').trim().split(/\s+/);
  return cpusOf(quota, period);
}

/** cgroup v1: two files; a quota of -1 is no limit. */
function quotaV1(source: CpuQuotaSource, folder: string): number | null {
  const quota = source.readText(`${folder}/cpu.cfs_quota_us`)?.trim();
  return cpusOf(quota, source.readText(`${folder}/cpu.cfs_period_us`)?.trim());
}

/**
 * Folders of this process's groups. A container sees its own group as the root of the file system and
 * its path as the host does, so the root is always looked at too.
 */
function quotas(source: CpuQuotaSource): (number | null)[] {
  const found: (number | null)[] = [];
  for (const line of (source.readText('/proc/self/cgroup') ?? '').split('\n')) {
    const [hierarchy, controllers, ...rest] = line.split(':');
    if (controllers === undefined) continue;
    const folders = withParents(rest.join(':'));
    if (hierarchy === '0' && controllers === '') {
      found.push(...folders.map((folder) => quotaV2(source, `${CGROUP_ROOT}${folder}`)));
    } else if (controllers.split(',').includes('cpu')) {
      for (const mount of ['cpu', 'cpu,cpuacct']) {
        found.push(...folders.map((folder) => quotaV1(source, `${CGROUP_ROOT}/${mount}${folder}`)));
      }
    }
  }
  return found;
}

/**
 * How many CPUs this process may really use, at least 1: the smaller of what the scheduler offers
 * (affinity included) and the quota of its control groups (v1 and v2), rounded up. ONNX Runtime
 * itself counts physical cores and would start far too many threads in a container.
 */
export function cpuQuota(source: CpuQuotaSource = MACHINE): number {
  const limits = quotas(source).filter((limit) => limit !== null);
  const quota = Math.min(source.availableParallelism(), ...limits);
  return Math.max(1, Math.ceil(quota));
}
