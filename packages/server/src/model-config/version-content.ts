import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TritonError } from '@nereid/protocol';
import type { VersionContent } from './deduce-backend.ts';

/**
 * What lies in the version folder that tells a model's backend: as in Triton, the folder whose name
 * sorts first, whether it is a number or not. Null when the model has no folders.
 * @throws TritonError INTERNAL when a folder cannot be read
 */
export async function firstVersionContent(modelDirectory: string): Promise<VersionContent | null> {
  const content = await directoryContent(modelDirectory);
  const folders = [...content].filter(([, kind]) => kind === 'directory').map(([name]) => name);
  const first = folders.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))[0];
  return first === undefined ? null : directoryContent(join(modelDirectory, first));
}

async function directoryContent(path: string): Promise<Map<string, 'file' | 'directory'>> {
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TritonError('INTERNAL', `failed to open directory ${path}: ${reason}`);
  }
  const content = new Map<string, 'file' | 'directory'>();
  for (const entry of entries) {
    const folder = entry.isSymbolicLink()
      ? await leadsToDirectory(join(path, entry.name))
      : entry.isDirectory();
    content.set(entry.name, folder ? 'directory' : 'file');
  }
  return content;
}

async function leadsToDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
