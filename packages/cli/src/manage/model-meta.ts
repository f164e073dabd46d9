import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListedModel } from './model-list.ts';

/** Where it is said, beside a model's file, what the model was fetched from. */
const metaFile = 'model_meta.json';

/** The list's entry, whole: defaults too, so that a change of any is seen. */
function metaOf({ name, version, type, localName, source, files, sha256 }: ListedModel): object {
  const hub = source.kind === 'hugging-face' ? source : null;
  return {
    name,
    triton_version: version,
    ...(hub === null ? {} : { repo_id: hub.repoId }),
    type,
    subfolder: hub !== null && type === 'directory' ? hub.path : null,
    model_path: hub !== null && type === 'single_file' ? hub.path : null,
    local_name: localName,
    ...(hub === null ? {} : { revision: hub.revision }),
    ...(source.kind === 'url' ? { url: source.url.replace(/\/\/[^/@]*@/u, '//') } : {}),
    ...(files === null ? {} : { files }),
    ...(sha256.size === 0 ? {} : { sha256: Object.fromEntries(sha256) }),
  };
}

/** @param folder The version's folder, or that of a model which is a folder itself. */
export async function writeMeta(folder: string, model: ListedModel): Promise<void> {
  await writeFile(join(folder, metaFile), `${JSON.stringify(metaOf(model), null, 2)}\n`);
}

/** Whether what lies in a folder was fetched from what the list says now; null when nothing tells. */
export async function metaMatches(folder: string, model: ListedModel): Promise<boolean | null> {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(await readFile(join(folder, metaFile), 'utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
  const wanted = metaOf(model) as Record<string, unknown>;
  const keys = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...keys].every(
    (key) => JSON.stringify(found[key] ?? null) === JSON.stringify(wanted[key] ?? null),
  );
}
