import { parseModelConfigText } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import type { BackendInstance, BackendModel } from '../core/backend.ts';
import { type Logger, silentLogger } from '../core/logger.ts';
import { ModelStatistics } from '../observability/model-statistics.ts';
import type { InstanceUser } from '../scheduling/idle-instances.ts';
import { InstanceSet } from './instance-set.ts';

const config = (count: number) =>
  parseModelConfigText(
    `name: "m" instance_group [ { name: "m" kind: KIND_CPU count: ${count} } ]`,
    'config.pbtxt',
  );

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A model of two instances, whose user lets go of them when the test says so. */
function scene(keepsInstancesLong: boolean, remove: () => Promise<void> = async () => {}) {
  const removed: string[] = [];
  const errors: string[] = [];
  let letGo: () => void = () => {};
  const instance = (name: string): BackendInstance => ({ name, execute: () => null });
  const model: BackendModel = {
    config: config(2),
    instances: ['a', 'b'].map(instance),
    acceptsInstance: () => true,
    addInstance: async ({ name }) => instance(name),
    removeInstance: async ({ name }) => {
      removed.push(name);
      await remove();
    },
    unload: async () => {},
  };
  const user: InstanceUser = {
    keepsInstancesLong,
    replaceInstances: () =>
      new Promise((resolve) => {
        letGo = resolve;
      }),
  };
  const logger: Logger = { ...silentLogger, error: (text: string) => errors.push(text) };
  const newStatistics = () => new ModelStatistics(new ManualClock());
  const set = new InstanceSet(model, null, newStatistics, logger);
  const became = { value: false };
  const become = set
    .become(config(1), user, null, async () => {})
    .then(() => {
      became.value = true;
    });
  return { set, removed, errors, became, become, letGo: () => letGo() };
}

describe('an instance that is not wanted any more', () => {
  it('is waited for', async () => {
    const { set, removed, became, become, letGo } = scene(false);
    await settle();
    expect([became.value, removed]).toEqual([false, []]);
    letGo();
    await become;
    expect(removed).toEqual(['b']);
    await set.departed();
  });

  it('is not waited for where it may be long, but before the model is unloaded', async () => {
    const { set, removed, become, letGo } = scene(true);
    await become;
    let departed = false;
    const all = set.departed().then(() => {
      departed = true;
    });
    await settle();
    expect([departed, removed, set.scheduled.map(({ name }) => name)]).toEqual([false, [], ['a']]);
    letGo();
    await all;
    expect(removed).toEqual(['b']);
  });

  it('is told of in the log when it does not end well and nobody waits', async () => {
    const { set, errors, become, letGo } = scene(true, () => Promise.reject(new Error('stuck')));
    await become;
    letGo();
    await set.departed();
    expect(errors).toEqual(["failed to end an instance of 'm': Error: stuck"]);
  });
});
