import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finding, finding } from './finding.ts';
import type { Machine } from './machine.ts';

const megabyte = 1024 * 1024;
/** Weights take at least what their file takes; activations and the server come on top. */
const modelShareMax = 0.8;
/** A model's files lie flat, or in one folder as a SavedModel's do. */
const depthMax = 4;

/** Whether the weights of all models together fit into the memory that there is. */
export async function checkMemory(paths: readonly string[], machine: Machine): Promise<Finding[]> {
  let bytes = 0;
  for (const path of paths) bytes += await fileBytes(path, depthMax);
  if (bytes <= machine.memoryBytes * modelShareMax) return [];
  return [
    finding(
      'warning',
      'memory',
      `the models' files hold ${Math.ceil(bytes / megabyte)} MB, and ${Math.floor(machine.memoryBytes / megabyte)} MB of memory may be used`,
      'raise the memory limit, or load fewer models: --model-control-mode=explicit --load-model=NAME',
    ),
  ];
}

async function fileBytes(folder: string, depth: number): Promise<number> {
  if (depth < 0) return 0;
  let bytes = 0;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await fileBytes(path, depth - 1);
    else bytes += (await stat(path).catch(() => null))?.size ?? 0;
  }
  return bytes;
}
