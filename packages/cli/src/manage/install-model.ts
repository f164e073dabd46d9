import { cp, mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Location, RemoteFile } from '../download/remote-file.ts';
import { DownloadError } from '../download/remote-file.ts';
import { type TransferHooks, transferFile } from '../download/transfer-file.ts';
import { lockFolder } from './lock-folder.ts';
import type { ModelFolders } from './model-folders.ts';
import type { ListedModel } from './model-list.ts';
import { metaMatches, writeMeta } from './model-meta.ts';
import { isSafePath } from './safe-path.ts';

/** Beside the repository: a server that looks into it must not see half a model. */
const stagingFolder = '.nereid-downloads';

/** What lies where a model of the list belongs. */
export type Presence = 'absent' | 'present' | 'differs';

/** How a download tells of itself, and how it is held back. */
export interface InstallHooks {
  readonly signal: AbortSignal;
  /** One file of the model; the hooks of its transfer. */
  transfer(label: string): TransferHooks & { done(): void };
  /** Runs when one of a few places is free. */
  slot<Result>(run: () => Promise<Result>): Promise<Result>;
}

/** The model's folder of the version, or the folder in it that the model is. */
export function modelPath({ models }: ModelFolders, model: ListedModel): string {
  const version = join(models, model.name, String(model.version));
  return model.type === 'directory' ? join(version, model.localName) : version;
}

/** Looks whether a model is there, and is what the list says. */
export async function presenceOf(folders: ModelFolders, model: ListedModel): Promise<Presence> {
  const path = modelPath(folders, model);
  const entries = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (entries.length === 0) return 'absent';
  return (await metaMatches(path, model)) === true ? 'present' : 'differs';
}

/**
 * Fetches one version of a model and puts it into the repository, whole or not at all. What is there of the
 * version is replaced. @returns its bytes. @throws DownloadError
 */
export async function installModel(
  folders: ModelFolders,
  model: ListedModel,
  location: Location,
  hooks: InstallHooks,
): Promise<number> {
  // The version's folder in a folder of its own, which becomes the model's when there is none.
  const own = join(dirname(folders.models), stagingFolder, `${model.name}@${model.version}`);
  const staged = join(own, String(model.version));
  const root = join(staged, model.type === 'directory' ? model.localName : '.');
  const unlock = await lockFolder(own);
  try {
    await fetchFiles(folders, model, location, root, hooks);
    await writeMeta(root, model);
    const bytes = await sizeBelow(root);
    await moveIntoPlace(folders, model, staged);
    await rm(own, { recursive: true, force: true });
    return bytes;
  } finally {
    await unlock();
  }
}

/** Fetches what is missing of a model into `root`. */
async function fetchFiles(
  folders: ModelFolders,
  model: ListedModel,
  location: Location,
  root: string,
  hooks: InstallHooks,
): Promise<void> {
  const files = await filesOf(model, location, hooks);
  await checkSpace(folders, files);
  await removeOthers(model, root, files);
  const fetches = files.map((file) =>
    hooks.slot(async () => {
      const name = model.type === 'directory' ? file.path : model.localName;
      const transfer = hooks.transfer(labelOf(model, file));
      const digest = model.sha256.get(file.path);
      const expected = digest === undefined ? null : { algorithm: 'sha256' as const, digest };
      try {
        await transferFile(file, join(root, name), expected, transfer);
      } finally {
        transfer.done();
      }
    }),
  );
  // Nothing may still be written when the lock is given back.
  const failed = (await Promise.allSettled(fetches)).find(({ status }) => status === 'rejected');
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}

function labelOf(model: ListedModel, file: RemoteFile): string {
  const path = file.path === '' ? '' : `/${file.path}`;
  return `${model.name}/${model.version}/${model.localName}${path}`;
}

async function filesOf(
  model: ListedModel,
  location: Location,
  { slot, signal }: InstallHooks,
): Promise<readonly RemoteFile[]> {
  if (model.type === 'single_file') return [location.file()];
  const listed = model.files?.map((path) => location.fileAt(path));
  const files = listed ?? (await slot(() => location.list(signal)));
  if (files.length === 0) {
    throw new DownloadError(`${location.from} holds no files`, { isTemporary: false });
  }
  // Hidden files, such as those of Git, are no part of a model.
  const visible = files.filter(({ path }) => !path.split('/').some((part) => part.startsWith('.')));
  const bad = visible.find(({ path }) => !isSafePath(path));
  if (bad !== undefined) {
    throw new DownloadError(`${location.from} lists '${bad.path}', which leads out of the model`, {
      isTemporary: false,
    });
  }
  const unknown = [...model.sha256.keys()].find(
    (path) => !visible.some((file) => file.path === path),
  );
  if (unknown !== undefined) {
    throw new DownloadError(
      `${location.from} has no file '${unknown}', which the list has a sha256 of`,
      {
        isTemporary: false,
      },
    );
  }
  return visible;
}

async function checkSpace({ models }: ModelFolders, files: readonly RemoteFile[]): Promise<void> {
  const wanted = files.reduce((sum, { size }) => sum + (size ?? 0), 0);
  const found = await statfs(dirname(models)).catch(() => null);
  if (found === null || found.bavail * found.bsize >= wanted) return;
  throw new DownloadError(
    `${wanted} bytes are to come, and the disk of ${models} has room for ${found.bavail * found.bsize}`,
    { isTemporary: false },
  );
}

/** An earlier list may have named other files. */
async function removeOthers(
  model: ListedModel,
  root: string,
  files: readonly RemoteFile[],
): Promise<void> {
  const names = new Set(
    files.flatMap(({ path }) => {
      const name = model.type === 'directory' ? path : model.localName;
      return [name, `${name}.part.json`];
    }),
  );
  for (const entry of await entriesBelow(root)) {
    if (!names.has(entry.path)) await rm(join(root, entry.path), { force: true });
  }
}

async function entriesBelow(root: string): Promise<{ path: string; size: number }[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(
    files.map(async (entry) => {
      const full = join(entry.parentPath, entry.name);
      return { path: full.slice(join(root, '/').length), size: (await stat(full)).size };
    }),
  );
}

async function sizeBelow(root: string): Promise<number> {
  return (await entriesBelow(root)).reduce((sum, { size }) => sum + size, 0);
}

/** One rename, of the outermost folder that is new: a server sees all of the version or nothing. */
async function moveIntoPlace(
  folders: ModelFolders,
  model: ListedModel,
  staged: string,
): Promise<void> {
  const folder = join(folders.models, model.name);
  const version = join(folder, String(model.version));
  await mkdir(folders.models, { recursive: true });
  if (!(await exists(folder))) {
    await rename(dirname(staged), folder).catch(() => replace(staged, version));
  } else if (model.type === 'directory' && (await exists(version))) {
    await replace(join(staged, model.localName), join(version, model.localName));
  } else {
    await replace(staged, version);
  }
}

/** Puts a folder where another may be: that one is moved aside first, and back when this fails. */
async function replace(staged: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const old = `${staged}.old`;
  await rm(old, { recursive: true, force: true });
  const had = await exists(target);
  const ready = await onSameDisk(staged, target);
  if (had) await rename(target, ready === staged ? old : `${ready}.old`);
  try {
    await rename(ready, target);
  } catch (error) {
    if (had) await rename(ready === staged ? old : `${ready}.old`, target);
    throw error;
  }
  await rm(ready === staged ? old : `${ready}.old`, { recursive: true, force: true });
}

/** A repository that is mounted by itself is no place to rename into: the copy lies in the model, hidden. */
async function onSameDisk(staged: string, target: string): Promise<string> {
  const [from, to] = await Promise.all([stat(staged), stat(dirname(target))]);
  if (from.dev === to.dev) return staged;
  const copy = join(dirname(target), '.nereid-copy');
  await rm(copy, { recursive: true, force: true });
  await cp(staged, copy, { recursive: true });
  return copy;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
