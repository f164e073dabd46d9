import { createHash, type Hash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A model's folder is not deeper than this; a circle of links is. */
const depthMax = 16;
/** Files and folders looked at in one model's folder: SavedModels and virtual environments have thousands. */
const entriesMax = 100_000;

/**
 * A text that changes when anything in the folder does: a file added, removed, renamed, written or
 * touched. Contents are not read: name, size and modification time tell. What cannot be read is
 * part of the text too, so that a folder that becomes readable counts as changed.
 */
export async function directoryFingerprint(directory: string): Promise<string> {
  return fingerprintOf(directory, () => true);
}

/**
 * The same of what one version of a model is loaded from besides its configuration: its own folder and
 * what all versions share.
 */
export async function versionFingerprint(directory: string, version: number): Promise<string> {
  const own = String(version);
  return fingerprintOf(
    directory,
    (name) =>
      name === own || (!/^\d+$/.test(name) && name !== 'config.pbtxt' && name !== 'configs'),
  );
}

async function fingerprintOf(
  directory: string,
  includes: (name: string) => boolean,
): Promise<string> {
  const hash = createHash('sha1');
  await addDirectory(hash, directory, '', 0, { entries: 0 }, includes);
  return hash.digest('hex');
}

async function addDirectory(
  hash: Hash,
  directory: string,
  relative: string,
  depth: number,
  count: { entries: number },
  includes: ((name: string) => boolean) | null,
): Promise<void> {
  let names: string[];
  try {
    names = (await readdir(directory)).sort();
    if (includes !== null) names = names.filter(includes);
  } catch (error) {
    hash.update(`${relative}\0${(error as NodeJS.ErrnoException).code}\n`);
    return;
  }
  for (const name of names) {
    if (++count.entries > entriesMax) return;
    const path = join(directory, name);
    const below = `${relative}/${name}`;
    try {
      const found = await stat(path, { bigint: true });
      if (found.isDirectory()) {
        hash.update(`${below}/\n`);
        if (depth < depthMax) await addDirectory(hash, path, below, depth + 1, count, null);
      } else {
        hash.update(`${below}\0${found.size}\0${found.mtimeNs}\0${found.ino}\n`);
      }
    } catch (error) {
      hash.update(`${below}\0${(error as NodeJS.ErrnoException).code}\n`);
    }
  }
}
