import { cp, lstat, mkdir, readlink, rename, rm, rmdir, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CommandError } from '../command/exit-status.ts';
import { lockFolder } from './lock-folder.ts';

/** Beside a repository, or in it where that alone is on its file system. */
const stagingFolder = '.nereid-downloads';

/**
 * Moves a folder, or a file, so that nobody sees half of it in either place. To another file system it is copied beside the
 * place where it goes, appears there by a rename, and disappears from where it was by one.
 * @throws Error of the file system's; the folder is then where it was, and nowhere else.
 * @throws CommandError where it can neither leave the one place nor the other; it lies in both then.
 */
export async function moveFolder(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  try {
    await rename(source, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await moveAcross(source, target);
  }
}

async function moveAcross(source: string, target: string): Promise<void> {
  const copy = join(await stagingOf(dirname(target)), `${basename(target)}@moved`);
  const old = join(await stagingOf(dirname(source)), `${basename(source)}@moved-away`);
  const unlock = await lockFolder(copy);
  try {
    await rm(copy, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
    await copyFolder(source, copy);
    await rename(copy, target);
    await rename(source, old).catch((error: Error) => takeBack(source, target, copy, error));
  } finally {
    await rm(copy, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
    await unlock();
    await removeEmpty(dirname(copy));
    await removeEmpty(dirname(old));
  }
}

/** What cannot leave its place is to be in that alone. @param copy where nobody sees it @throws always */
async function takeBack(source: string, target: string, copy: string, error: Error): Promise<void> {
  try {
    await rename(target, copy);
  } catch (second) {
    const { message } = second as Error;
    const text = `${source} lies in ${target} too: neither can be moved away (${error.message}; ${message}): remove one of them`;
    throw new CommandError(text, undefined, error);
  }
  throw error;
}

/** A folder for what is not whole, on the file system of this one. */
async function stagingOf(folder: string): Promise<string> {
  const beside = dirname(folder);
  const [own, other] = await Promise.all([stat(folder), stat(beside)]);
  const staging = join(own.dev === other.dev ? beside : folder, stagingFolder);
  await mkdir(staging, { recursive: true });
  return staging;
}

/** Links in it stay as they are; one that is the model itself leads where it led. */
async function copyFolder(source: string, copy: string): Promise<void> {
  if ((await lstat(source)).isSymbolicLink()) {
    await symlink(resolve(dirname(source), await readlink(source)), copy);
    return;
  }
  await cp(source, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}

async function removeEmpty(folder: string): Promise<void> {
  // Others may have something in it.
  await rmdir(folder).catch(() => {});
}
