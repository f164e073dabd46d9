import { describe, expect, it } from 'vitest';
import { MemoryBudget } from './memory-budget.ts';

interface FakeModel {
  readonly files: number;
  /** By how much the server grows. */
  readonly resident: number;
}

/** A server whose models are the folders of their names, unloaded in the order in which they were loaded. */
function budgetOf(limitBytes: number, models: Readonly<Record<string, FakeModel>>) {
  const loaded: string[] = [];
  const busy = new Set<string>();
  const budget: MemoryBudget = new MemoryBudget({
    limitBytes,
    residentBytes: async () =>
      1000 + loaded.reduce((sum, name) => sum + (models[name] as FakeModel).resident, 0),
    fileBytes: async (directory) => (models[directory] as FakeModel).files,
  });
  const load = (name: string): Promise<void> =>
    budget.load(name, async () => void loaded.push(name), {
      directories: async () => [name],
      leastRecentlyUsed: () => loaded.find((other) => other !== name && !busy.has(other)) ?? null,
      loaded: () => new Set(loaded),
      unload: async (other) => unload(other),
    });
  const unload = (name: string): void => void loaded.splice(loaded.indexOf(name), 1);
  return { budget, load, unload, loaded, busy };
}

describe('MemoryBudget', () => {
  it('takes what a load added for what its model takes, and never less than its files', async () => {
    const { budget, load } = budgetOf(100, {
      grows: { files: 10, resident: 30 },
      mapped: { files: 40, resident: 5 },
    });
    await load('grows');
    expect(budget.usedBytes).toBe(30);
    await load('mapped');
    expect(budget.usedBytes).toBe(70);
  });

  it('unloads what was used the longest ago, before and after a load', async () => {
    const { load, loaded } = budgetOf(100, {
      a: { files: 10, resident: 40 },
      b: { files: 10, resident: 40 },
      c: { files: 30, resident: 90 },
    });
    await load('a');
    await load('b');
    // c is expected to take 30, so that b may stay; it takes 90.
    await load('c');
    expect(loaded).toEqual(['c']);
    // What it takes is known now.
    await load('a');
    expect(loaded).toEqual(['a']);
  });

  it('refuses what does not fit, and what has no room while others are in use', async () => {
    const { load, loaded, busy } = budgetOf(100, {
      a: { files: 60, resident: 60 },
      b: { files: 60, resident: 60 },
      huge: { files: 101, resident: 0 },
    });
    await load('a');
    await expect(load('huge')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(loaded).toEqual(['a']);
    busy.add('a');
    await expect(load('b')).rejects.toThrow("no memory for model 'b': it takes about 60 bytes");
    busy.clear();
    await load('b');
    expect(loaded).toEqual(['b']);
  });

  it('has the room of what an operator unloaded', async () => {
    const { load, unload, loaded } = budgetOf(100, {
      a: { files: 60, resident: 60 },
      b: { files: 60, resident: 60 },
    });
    await load('a');
    unload('a');
    await load('b');
    expect(loaded).toEqual(['b']);
  });

  it('loads one model at a time, so that each is measured by itself', async () => {
    const models = { a: { files: 1, resident: 20 }, b: { files: 1, resident: 30 } };
    const { budget, load } = budgetOf(100, models);
    await Promise.all([load('a'), load('b')]);
    expect(budget.usedBytes).toBe(50);
  });
});
