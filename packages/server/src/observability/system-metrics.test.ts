import { ManualClock } from '@nereid/test-kit';
import { describe, expect, test } from 'vitest';
import { prometheusText } from './prometheus-text.ts';
import { SystemMetrics } from './system-metrics.ts';

const meminfo = 'MemTotal:       1000 kB\nMemFree:  1 kB\nMemAvailable:    400 kB\n';

/** A machine whose files a test writes. */
function machine(files: Record<string, string>): {
  files: Record<string, string>;
  metrics: SystemMetrics;
  clock: ManualClock;
  values: () => Record<string, number>;
} {
  const clock = new ManualClock();
  const metrics = new SystemMetrics(clock, (path) => files[path] ?? null, 1000);
  const values = (): Record<string, number> => {
    const lines = prometheusText(metrics.collect()).match(/^nv_\S+ \S+$/gm) ?? [];
    return Object.fromEntries(
      lines.map((line) => {
        const [name, value] = line.split(' ');
        return [name!.replace('nv_cpu_', ''), Number(value)];
      }),
    );
  };
  return { files, metrics, clock, values };
}

describe('SystemMetrics', () => {
  test('reads the machine when no control group limits it', () => {
    const { files, metrics, clock, values } = machine({
      '/proc/meminfo': meminfo,
      '/proc/stat': 'cpu  100 0 100 1000 0 0 0 0 0 0\ncpu0 1 2 3\n',
    });
    metrics.start();
    expect(values()).toEqual({
      utilization: 0,
      memory_total_bytes: 1000 * 1024,
      memory_used_bytes: 600 * 1024,
    });
    files['/proc/stat'] = 'cpu  120 0 110 1070 0 0 0 0 0 0\n';
    clock.advanceMs(1000);
    expect(values()['utilization']).toBeCloseTo(0.3);
  });

  test('takes the limits of a version 2 control group as the machine', () => {
    const group = '/sys/fs/cgroup/pod/me';
    const { files, metrics, clock, values } = machine({
      '/proc/meminfo': meminfo,
      '/proc/stat': 'cpu  100 0 100 1000 0 0 0 0 0 0\n',
      '/proc/self/cgroup': '0::/pod/me\n',
      [`${group}/memory.max`]: '500000\n',
      [`${group}/memory.current`]: '300000\n',
      [`${group}/memory.stat`]: 'anon 1\ninactive_file 50000\n',
      [`${group}/cpu.max`]: '200000 100000\n',
      [`${group}/cpu.stat`]: 'usage_usec 5000000\nuser_usec 1\n',
    });
    metrics.start();
    files[`${group}/cpu.stat`] = 'usage_usec 6500000\n';
    clock.advanceMs(1000);
    // 1.5 s of processor time in 1 s, where 2 s are allowed.
    expect(values()).toEqual({
      utilization: 0.75,
      memory_total_bytes: 500_000,
      memory_used_bytes: 250_000,
    });
  });

  test('finds a version 1 control group at its mount point inside a container', () => {
    const { files, metrics, clock, values } = machine({
      '/proc/meminfo': meminfo,
      '/proc/stat': 'cpu  100 0 100 1000 0 0 0 0 0 0\n',
      '/proc/self/cgroup': '3:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '700000\n',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '100000\n',
      '/sys/fs/cgroup/memory/memory.stat': 'total_inactive_file 1000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/cpuacct/cpuacct.usage': '1000000000\n',
    });
    metrics.start();
    files['/sys/fs/cgroup/cpuacct/cpuacct.usage'] = '1250000000\n';
    clock.advanceMs(1000);
    expect(values()).toEqual({
      utilization: 0.5,
      memory_total_bytes: 700_000,
      memory_used_bytes: 99_000,
    });
  });

  test('ignores a group without limits and limits above the machine', () => {
    const { metrics, values } = machine({
      '/proc/meminfo': meminfo,
      '/proc/stat': 'cpu  100 0 100 1000 0 0 0 0 0 0\n',
      '/proc/self/cgroup': '3:memory:/\n1:cpu:/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '100000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    });
    metrics.start();
    expect(values()['memory_total_bytes']).toBe(1000 * 1024);
  });

  test('writes zeros where there is no /proc, or nonsense in it', () => {
    for (const files of [{}, { '/proc/stat': 'cpu  a b\n', '/proc/meminfo': 'x' }]) {
      const { metrics, clock, values } = machine(files);
      metrics.start();
      clock.advanceMs(3000);
      expect(values()).toEqual({ utilization: 0, memory_total_bytes: 0, memory_used_bytes: 0 });
    }
  });

  test('samples until it is stopped', () => {
    const { metrics, clock } = machine({});
    metrics.start();
    metrics.start();
    expect(clock.timerCount).toBe(1);
    clock.advanceMs(5000);
    expect(clock.timerCount).toBe(1);
    metrics.stop();
    expect(clock.timerCount).toBe(0);
  });
});
