import { expect, it } from 'vitest';
import type { Backend, BackendModel } from '../core/backend.ts';
import { BackendRegistry } from './backend-registry.ts';

it('shuts every backend down, also when one fails', async () => {
  const ended: string[] = [];
  const backendOf = (name: string): Backend => ({
    name,
    loadModel: async () => ({}) as BackendModel,
    shutdown: async () => {
      if (name === 'b') throw new Error('b is stuck');
      ended.push(name);
    },
  });
  const registry = new BackendRegistry(['a', 'b', 'c'].map(backendOf));
  await expect(registry.shutdown()).rejects.toThrow('b is stuck');
  expect(ended).toEqual(['a', 'c']);
});
