import { describe, expect, it } from 'vitest';
import type { InstancePlace } from '../../core/backend.ts';
import { coresOf } from './host-policy.ts';

const policies = new Map([
  ['cpu', new Map([['cpu-cores', '0-1']])],
  ['gpu_3', new Map([['numa-node', '1']])],
  ['mine', new Map([['cpu-cores', '2-3,6-7']])],
  ['bad', new Map([['cpu-cores', '4']])],
  ['backwards', new Map([['cpu-cores', '4-2']])],
]);

function cores(kind: string, hostPolicy = '', device = 0): string | null {
  const place = { group: { kind, host_policy: hostPolicy }, device } as unknown as InstancePlace;
  return coresOf(place, policies, (node) => `cores of ${node}`);
}

describe('host policies', () => {
  it('go by the name that a group gives, else by its kind', () => {
    expect(cores('KIND_CPU')).toBe('0-1');
    expect(cores('KIND_CPU', 'mine')).toBe('2-3,6-7');
    expect(cores('KIND_GPU', '', 3)).toBe('cores of 1');
    expect([cores('KIND_MODEL'), cores('KIND_CPU', 'none')]).toEqual([null, null]);
  });

  it.each(['bad', 'backwards'])('are refused where cores are no ranges: %s', (name) => {
    expect(() => cores('KIND_CPU', name)).toThrow("host policy setting 'cpu-cores' format is");
  });
});
