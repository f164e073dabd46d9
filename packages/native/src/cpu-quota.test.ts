import { expect, test } from 'vitest';
import { cpuQuota } from './cpu-quota.ts';

function quota(cpus: number, files: Record<string, string>): number {
  return cpuQuota({
    readText: (path) => files[path] ?? null,
    availableParallelism: () => cpus,
  });
}

const V2 = '/sys/fs/cgroup';

test.each<[string, number, Record<string, string>, number]>([
  ['no control groups', 8, {}, 8],
  ['v2, no limit', 8, { '/proc/self/cgroup': '0::/\n', [`${V2}/cpu.max`]: 'max 100000\n' }, 8],
  [
    'v2, in a container',
    8,
    { '/proc/self/cgroup': '0::/\n', [`${V2}/cpu.max`]: '200000 100000' },
    2,
  ],
  [
    'v2, a fraction counts as a whole CPU',
    8,
    { '/proc/self/cgroup': '0::/\n', [`${V2}/cpu.max`]: '150000 100000' },
    2,
  ],
  [
    'v2, less than one CPU',
    8,
    { '/proc/self/cgroup': '0::/\n', [`${V2}/cpu.max`]: '10000 100000' },
    1,
  ],
  [
    'v2, the parent is the tighter one',
    8,
    {
      '/proc/self/cgroup': '0::/pod/box\n',
      [`${V2}/pod/cpu.max`]: '300000 100000',
      [`${V2}/pod/box/cpu.max`]: '600000 100000',
    },
    3,
  ],
  [
    'v2, a quota above the machine',
    2,
    { '/proc/self/cgroup': '0::/\n', [`${V2}/cpu.max`]: '800000 100000' },
    2,
  ],
  [
    'v1, path as the host sees it',
    8,
    {
      '/proc/self/cgroup': '5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n',
      [`${V2}/cpu,cpuacct/cpu.cfs_quota_us`]: '400000\n',
      [`${V2}/cpu,cpuacct/cpu.cfs_period_us`]: '100000\n',
    },
    4,
  ],
  [
    'v1, no limit',
    8,
    {
      '/proc/self/cgroup': '1:cpu:/\n0::/\n',
      [`${V2}/cpu/cpu.cfs_quota_us`]: '-1\n',
      [`${V2}/cpu/cpu.cfs_period_us`]: '100000\n',
    },
    8,
  ],
  ['garbage', 8, { '/proc/self/cgroup': 'x\n0::/\n::::\n', [`${V2}/cpu.max`]: 'lots of\nNaN' }, 8],
  ['a period of zero', 8, { '/proc/self/cgroup': '0::/', [`${V2}/cpu.max`]: '1000 0' }, 8],
])('%s', (_, cpus, files, expected) => {
  expect(quota(cpus, files)).toBe(expected);
});

test('this machine has at least one', () => {
  expect(cpuQuota()).toBeGreaterThanOrEqual(1);
});
