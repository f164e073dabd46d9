import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EnvironmentCache } from './environment-cache.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nereid-environments-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Notes where it is, as scripts of an environment do. */
async function make(folder: string): Promise<void> {
  writeFileSync(join(folder, 'place'), folder);
}

const placeIn = (folder: string): string => readFileSync(join(folder, 'place'), 'utf8');

describe('EnvironmentCache', () => {
  it('leaves a folder where it was made', async () => {
    const folder = await new EnvironmentCache().get(directory, 'key', make);
    expect(folder).toBe(join(directory, 'key'));
    expect(existsSync(placeIn(folder))).toBe(true);
  });

  it('makes a folder once, whoever asks', async () => {
    const cache = new EnvironmentCache();
    let count = 0;
    const counted = async (folder: string): Promise<void> => {
      count++;
      await make(folder);
    };
    const get = (): Promise<string> => cache.get(directory, 'key', counted);
    const [first, second] = await Promise.all([get(), get()]);
    expect([
      first,
      await get(),
      await new EnvironmentCache().get(directory, 'key', counted),
    ]).toEqual([second, second, second]);
    expect([count, cache.has(directory, 'key'), cache.has(directory, 'other')]).toEqual([
      1,
      true,
      false,
    ]);
  });

  it('uses what another server has made meanwhile', async () => {
    const folder = await new EnvironmentCache().get(directory, 'key', async (mine) => {
      await new EnvironmentCache().get(directory, 'key', make);
      await make(mine);
    });
    expect(existsSync(placeIn(folder))).toBe(true);
    expect(readdirSync(directory)).toHaveLength(2);
  });

  it('leaves nothing of one that could not be made', async () => {
    const failed = new EnvironmentCache().get(directory, 'key', async (folder) => {
      await make(folder);
      throw new Error('no disk');
    });
    await expect(failed).rejects.toThrow('no disk');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('makes one anew whose folder was removed', async () => {
    const cache = new EnvironmentCache();
    const place = placeIn(await cache.get(directory, 'key', make));
    rmSync(place, { recursive: true });
    expect(cache.has(directory, 'key')).toBe(false);
    expect(existsSync(placeIn(await cache.get(directory, 'key', make)))).toBe(true);
  });
});
