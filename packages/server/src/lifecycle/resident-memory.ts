import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Linux counts resident memory in pages of this size on the processors that we run on. */
const pageBytes = 4096;

/** Files of a model that are weighed. */
const filesMax = 100_000;

/** Resident memory of this process and of the processes that it started itself. */
export async function residentBytes(): Promise<number> {
  let bytes = process.memoryUsage.rss();
  for (const pid of await childProcesses()) bytes += await residentBytesOf(pid);
  return bytes;
}

/** Sizes of all files below a folder. */
export async function fileBytes(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const entry of entries.slice(0, filesMax)) {
    if (!entry.isFile() && !entry.isSymbolicLink()) continue;
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => null);
    if (found?.isFile() === true) bytes += found.size;
  }
  return bytes;
}

async function childProcesses(): Promise<readonly string[]> {
  try {
    const tasks = await readdir('/proc/self/task');
    const lists = await Promise.all(
      tasks.map((task) => readFile(`/proc/self/task/${task}/children`, 'utf8').catch(() => '')),
    );
    return lists.flatMap((list) => list.split(' ').filter((pid) => pid !== ''));
  } catch {
    // Elsewhere than on Linux.
    return [];
  }
}

async function residentBytesOf(pid: string): Promise<number> {
  const statm = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '');
  return Number(statm.split(' ')[1] ?? 0) * pageBytes;
}
