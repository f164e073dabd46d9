import { TritonError } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import { AbsentModelError } from '../core/absent-model-error.ts';
import { Cancellation } from '../core/cancellation.ts';
import { silentLogger } from '../core/logger.ts';
import { LazyModels } from './lazy-models.ts';
import type { LoadedModel } from './loaded-model.ts';
import { MemoryBudget } from './memory-budget.ts';

/** A server with one model in its repository, whose memory is looked at only when the test says so. */
function serverOf(name: string) {
  const looks: (() => void)[] = [];
  const models = new Set<string>();
  let loads = 0;
  const model = { key: { name, version: 1 }, references: 0, useOrder: 0 } as unknown as LoadedModel;
  const lazyModels = new LazyModels({
    manager: {
      has: async () => true,
      directories: async () => [name],
      loadOnDemand: async () => {
        loads++;
        models.add(name);
      },
      unloadOnDemand: async () => void models.delete(name),
      wasRequested: () => false,
    },
    lifeCycle: {
      find: () => {
        if (models.has(name)) return model;
        throw new TritonError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
      },
      *readyModels() {
        if (models.has(name)) yield model;
      },
      unloadsEnded: async () => {},
    },
    clock: new ManualClock(),
    logger: silentLogger,
    idleUnloadSecs: 0,
    memory: new MemoryBudget({
      limitBytes: 100,
      residentBytes: () => new Promise((resolve) => looks.push(() => resolve(0))),
      fileBytes: async () => 1,
    }),
  });
  const request = async (): Promise<LoadedModel> => {
    try {
      return lazyModels.find(name, null);
    } catch (failure) {
      if (!(failure instanceof AbsentModelError)) throw failure;
      await failure.load(new Cancellation());
      return lazyModels.find(name, null);
    }
  };
  const look = async (): Promise<void> => {
    await expect.poll(() => looks.length).toBe(1);
    looks.pop()?.();
  };
  return { request, look, unload: () => models.delete(name), loads: () => loads, model };
}

it('loads a model anew for a request that came after it was unloaded, while its load still ended', async () => {
  const { request, look, unload, loads, model } = serverOf('m');
  const first = request();
  await look();
  await expect.poll(loads).toBe(1);
  unload();
  const later = [request(), request()];
  await look();
  await expect(first).rejects.toThrow("Request for unknown model: 'm' is not found");
  await look();
  await look();
  expect(await Promise.all(later)).toEqual([model, model]);
  expect(loads()).toBe(2);
});
