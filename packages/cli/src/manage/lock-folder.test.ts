import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lockFolder } from './lock-folder.ts';

/** What happens elsewhere before the next file is removed. */
let beforeRemoval: (() => Promise<void>) | null = null;

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const rm: typeof real.rm = async (path, options) => {
    const first = beforeRemoval;
    beforeRemoval = null;
    await first?.();
    return real.rm(path, options);
  };
  return { ...real, rm };
});

let parent: string;
let folder: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'nereid-lock-'));
  folder = join(parent, 'model');
});
afterEach(() => rmSync(parent, { recursive: true }));

function ownerIn(lock: string): string {
  return lstatSync(lock).isSymbolicLink() ? readlinkSync(lock) : readFileSync(lock, 'utf8');
}

describe('lockFolder', () => {
  it('says whose it is from its first moment on', async () => {
    const said = new Set<string>();
    let isLocked = false;
    const locked = lockFolder(folder).finally(() => {
      isLocked = true;
    });
    while (!isLocked) {
      if (readdirSync(parent).length > 0) said.add(ownerIn(`${folder}.lock`));
      await new Promise((resolve) => setImmediate(resolve));
    }
    said.add(ownerIn(`${folder}.lock`));
    expect([...said]).toEqual([String(process.pid)]);
    await (await locked)();
    expect(readdirSync(parent)).toEqual([]);
  });

  it('lets one in at a time', async () => {
    const tries = [1, 2, 3, 4].map(() => lockFolder(folder));
    const got = (await Promise.allSettled(tries)).filter(({ status }) => status === 'fulfilled');
    expect(got).toHaveLength(1);
  });

  it('says who has it', async () => {
    const unlock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(
      `process ${process.pid} is at work on ${folder}: wait for it, or remove ${folder}.lock`,
    );
    await unlock();
    await (await lockFolder(folder))();
  });

  it('takes it from a process that has ended', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    symlinkSync(String(pid), `${folder}.lock`);
    await (await lockFolder(folder))();
    expect(readdirSync(parent)).toEqual([]);
  });

  it('takes it only once from a process that has ended', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    symlinkSync(String(pid), `${folder}.lock`);
    const statuses: string[] = [];
    const take = async (): Promise<void> => {
      const [taken] = await Promise.allSettled([lockFolder(folder)]);
      statuses.push(taken.status);
    };
    beforeRemoval = take;
    await take();
    expect(statuses.sort()).toEqual(['fulfilled', 'rejected']);
    expect(readdirSync(parent)).toEqual(['model.lock']);
  });
});
