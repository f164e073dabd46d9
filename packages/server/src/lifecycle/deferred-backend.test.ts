import { describe, expect, it } from 'vitest';
import type { Backend, BackendLoadContext, BackendModel } from '../core/backend.ts';
import { DeferredBackend } from './deferred-backend.ts';

class CountedBackend implements Backend {
  readonly name = 'counted';
  loaded = 0;
  stopped = 0;

  async loadModel(): Promise<BackendModel> {
    this.loaded += 1;
    return {} as BackendModel;
  }

  async shutdown(): Promise<void> {
    this.stopped += 1;
  }
}

describe('DeferredBackend', () => {
  it('opens its backend once, with the first model', async () => {
    const backend = new CountedBackend();
    let opened = 0;
    const deferred = new DeferredBackend('counted', async () => {
      opened += 1;
      return backend;
    });
    expect(opened).toBe(0);
    const context = {} as BackendLoadContext;
    await Promise.all([deferred.loadModel(context), deferred.loadModel(context)]);
    await deferred.shutdown();
    expect([opened, backend.loaded, backend.stopped]).toEqual([1, 2, 1]);
  });

  it('has nothing to shut down when it could not be opened', async () => {
    const deferred = new DeferredBackend('counted', () => Promise.reject(new Error('no memory')));
    await expect(deferred.loadModel({} as BackendLoadContext)).rejects.toThrow('no memory');
    await deferred.shutdown();
  });

  it('has nothing to shut down when no model asked for it', async () => {
    const deferred = new DeferredBackend('counted', () => Promise.reject(new Error('opened')));
    await deferred.shutdown();
  });
});
