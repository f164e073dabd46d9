import { readFileSync } from 'node:fs';
import { TritonError } from '@nereid/protocol';
import type { InstancePlace } from '../../core/backend.ts';

/** `--host-policy` settings by the name of the policy. */
export type HostPolicies = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** More cores than any machine has. */
const coresMax = 65_536;

/**
 * The cores that an instance's process is bound to, as `0-3,8`; null for all. Groups name their policy; those
 * that name none have `cpu`, `model` or `gpu_<number>`, as in Triton.
 *
 * @throws TritonError INVALID_ARG with Triton's text for cores that are no ranges.
 */
export function coresOf(
  { group, device }: InstancePlace,
  policies: HostPolicies,
  readNode: (node: string) => string = readNodeCores,
): string | null {
  const settings = policies.get(group.host_policy || defaultPolicy(group.kind, device));
  const cores = settings?.get('cpu-cores');
  if (cores !== undefined) return checkedRanges(cores);
  const node = settings?.get('numa-node');
  return node === undefined ? null : readNode(node);
}

function defaultPolicy(kind: string, device: number): string {
  if (kind === 'KIND_GPU') return `gpu_${device}`;
  return kind === 'KIND_MODEL' ? 'model' : 'cpu';
}

function checkedRanges(cores: string): string {
  for (const range of cores.split(',')) {
    const [, lower, upper] = /^(\d+)-(\d+)$/.exec(range) ?? [];
    if (lower === undefined || Number(lower) > Number(upper) || Number(upper) > coresMax) {
      throw new TritonError(
        'INVALID_ARG',
        `host policy setting 'cpu-cores' format is '<lower_cpu_core_id>-<upper_cpu_core_id>'. Got ${range}`,
      );
    }
  }
  return cores;
}

function readNodeCores(node: string): string {
  try {
    if (!/^\d+$/.test(node)) throw new Error('not a number');
    return readFileSync(`/sys/devices/system/node/node${node}/cpulist`, 'utf8').trim();
  } catch (error) {
    throw new TritonError(
      'INVALID_ARG',
      `host policy setting 'numa-node' names a node that this machine does not show: ${node} (${(error as Error).message})`,
    );
  }
}
