import { TritonError } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import { AbsentModelError } from '../core/absent-model-error.ts';
import { Cancellation } from '../core/cancellation.ts';
import { silentLogger } from '../core/logger.ts';
import { LazyModels } from './lazy-models.ts';
import type { LoadedModel } from './loaded-model.ts';
import { MemoryBudget, type MemoryBudgetOptions } from './memory-budget.ts';

/**
 * A server that has a model of any name, of one byte of files where `memory` does not say otherwise. One that it also had
 * never ends what it executes, and so is never unloaded.
 */
function serverOf(memory: Partial<MemoryBudgetOptions>) {
  const models = new Map<string, LoadedModel>();
  const loads: string[] = [];
  const lazyModels = new LazyModels({
    manager: {
      has: async () => true,
      directories: async (name) => [name],
      loadOnDemand: async (name) => {
        loads.push(name);
        models.set(name, modelOf(name));
      },
      unloadOnDemand: async (name) => void models.delete(name),
      wasRequested: () => false,
      isKept: () => false,
    },
    lifeCycle: {
      find: (name) => {
        const model = models.get(name);
        if (model !== undefined) return model;
        throw new TritonError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
      },
      readyModels: () => models.values(),
      unloadsEnded: (name) => (name == null ? new Promise(() => {}) : Promise.resolve()),
    },
    clock: new ManualClock(),
    logger: silentLogger,
    idleUnloadSecs: 0,
    memory: new MemoryBudget({
      limitBytes: 100,
      residentBytes: async () => 0,
      fileBytes: async () => 1,
      ...memory,
    }),
  });
  const request = async (name: string): Promise<LoadedModel> => {
    try {
      return lazyModels.find(name, null);
    } catch (failure) {
      if (!(failure instanceof AbsentModelError)) throw failure;
      await failure.load(new Cancellation());
      return lazyModels.find(name, null);
    }
  };
  return { request, models, loads };
}

function modelOf(name: string): LoadedModel {
  return { key: { name, version: 1 }, references: 0, useOrder: 0 } as unknown as LoadedModel;
}

it('loads a model anew for a request that came after it was unloaded, while its load still ended', async () => {
  const looks: (() => void)[] = [];
  const { request, models, loads } = serverOf({
    residentBytes: () => new Promise((resolve) => looks.push(() => resolve(0))),
  });
  const look = async (): Promise<void> => {
    await expect.poll(() => looks.length).toBe(1);
    looks.pop()?.();
  };
  const first = request('m');
  await look();
  await expect.poll(() => loads).toEqual(['m']);
  models.delete('m');
  const later = [request('m'), request('m')];
  await look();
  await expect(first).rejects.toThrow("Request for unknown model: 'm' is not found");
  await look();
  await look();
  expect(await Promise.all(later)).toEqual([modelOf('m'), modelOf('m')]);
  expect(loads).toEqual(['m', 'm']);
});

it('counts the memory of a model whose load ends when that of another one begins', async () => {
  const { request, models, loads } = serverOf({ fileBytes: async () => 60 });
  const asked = [request('a'), request('b'), request('c')];
  await Promise.allSettled(asked);
  expect(loads).toEqual(['a', 'b', 'c']);
  expect([...models.keys()]).toEqual(['c']);
});

it('makes room without waiting for what models execute that make none', async () => {
  const { request, models } = serverOf({ fileBytes: async () => 60 });
  await request('a');
  expect(await request('b')).toEqual(modelOf('b'));
  expect([...models.keys()]).toEqual(['b']);
});
