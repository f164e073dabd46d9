import { mkdir, readlink, rm, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError } from '../command/exit-status.ts';

/**
 * Keeps other processes out of a folder. @returns what gives it back.
 * @throws CommandError when another process has it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = `${folder}.lock`;
  await mkdir(dirname(path), { recursive: true });
  const release = (): Promise<void> => rm(path, { force: true });
  if (await claim(path)) return release;
  if (isLeft(await ownerOf(path))) await removeLeft(folder, path);
  if (await claim(path)) return release;
  throw inUse(folder, path, await ownerOf(path));
}

/**
 * Removes the lock of a process that has ended without giving it back. Only who holds a second lock does so:
 * of two who have seen that nobody holds the first, the later would remove what the earlier has put there.
 *
 * @throws CommandError when another process is about to do so.
 */
async function removeLeft(folder: string, path: string): Promise<void> {
  const second = `${path}.left`;
  if (!(await claim(second))) throw inUse(folder, second, await ownerOf(second));
  try {
    if (isLeft(await ownerOf(path))) await rm(path, { force: true });
  } finally {
    await rm(second, { force: true });
  }
}

/** @returns whether the lock is this process's now. */
async function claim(path: string): Promise<boolean> {
  try {
    // A link, since it says from its first moment on whose it is: a file would be empty until it is written.
    await symlink(String(process.pid), path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** @returns the id of a process, NaN where the lock names none; null where there is no lock. */
async function ownerOf(path: string): Promise<number | null> {
  try {
    return Number(await readlink(path));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : Number.NaN;
  }
}

function inUse(folder: string, path: string, owner: number | null): CommandError {
  const who = owner === null || Number.isNaN(owner) ? 'another process' : `process ${owner}`;
  return new CommandError(`${who} is at work on ${folder}: wait for it, or remove ${path}`);
}

/** Whether nobody who runs holds the lock; not where there is none, which somebody may take. */
function isLeft(owner: number | null): boolean {
  return owner !== null && !isRunning(owner);
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
