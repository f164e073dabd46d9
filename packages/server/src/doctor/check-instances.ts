import type { ModelConfig } from '@nereid/protocol';
import { type Finding, finding } from './finding.ts';
import type { Machine } from './machine.ts';

/** Threads that want to run, times so many processors, wait for each other more than they help. */
const oversubscriptionMax = 2;

/** Whether the instances of a model want more processors than there are. */
export function checkInstances(subject: string, config: ModelConfig, machine: Machine): Finding[] {
  const count = config.instance_group.reduce(
    (sum, { kind, count: instances }) => sum + (kind === 'KIND_GPU' ? 0 : Math.max(1, instances)),
    0,
  );
  if (config.backend === 'python') return checkPythonInstances(subject, count, machine);
  if (config.backend !== 'onnxruntime') return [];
  const threads = threadsOf(config, machine);
  const wanted = count * threads;
  if (count < 2 || wanted <= machine.cpuQuota * oversubscriptionMax) return [];
  const each = Math.max(1, Math.floor(machine.cpuQuota / count));
  return [
    finding(
      'warning',
      subject,
      `${count} instances with ${threads} threads each want ${wanted} processors, and there are ${machine.cpuQuota}`,
      count > machine.cpuQuota
        ? `lower the count of its instance_group to ${machine.cpuQuota} or less`
        : `give it the parameter intra_op_thread_count: ${each}, or lower the count of its instance_group`,
    ),
  ];
}

function checkPythonInstances(subject: string, count: number, { cpuQuota }: Machine): Finding[] {
  if (count <= cpuQuota) return [];
  return [
    finding(
      'advice',
      subject,
      `${count} Python processes share ${cpuQuota} processors`,
      `lower the count of its instance_group to ${cpuQuota}, unless the model mostly waits for others`,
    ),
  ];
}

function threadsOf(config: ModelConfig, { cpuQuota }: Machine): number {
  const given = Number(config.parameters.get('intra_op_thread_count')?.string_value ?? 0);
  return given > 0 ? given : cpuQuota;
}
