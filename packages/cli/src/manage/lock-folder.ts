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
  // The second time only after a process that has ended without giving it back.
  for (let attempt = 0; ; attempt++) {
    try {
      // A link, since it says from its first moment on whose it is: a file would be empty until it is written.
      await symlink(String(process.pid), path);
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const pid = Number(await readlink(path).catch(() => ''));
    if (attempt > 0 || isRunning(pid)) {
      throw new CommandError(
        `process ${pid} is at work on ${folder}: wait for it, or remove ${path}`,
      );
    }
    await rm(path, { force: true });
  }
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
