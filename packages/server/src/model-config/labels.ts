import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { type ModelConfig, TritonError } from '@nereid/protocol';

/** The largest label file that is read. A million classes of 16 letters are half of it. */
const labelFileBytesMax = 33_554_432;

/** The lines of a label file: the name of class N is line N, counted from 0. */
export function parseLabels(text: string): string[] {
  const lines = text.split('\n');
  // A line feed ends a line and does not begin another one.
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/**
 * Reads the label file of every output that names one.
 * @returns output name → labels
 * @throws TritonError UNSUPPORTED for a file outside of the model's folder, INTERNAL for one that cannot be read
 */
export async function readModelLabels(
  config: ModelConfig,
  modelDirectory: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const labels = new Map<string, readonly string[]>();
  for (const output of config.output) {
    if (output.label_filename === '' || labels.has(output.name)) continue;
    const path = join(modelDirectory, output.label_filename);
    if (!(await isInside(path, modelDirectory))) {
      throw new TritonError(
        'UNSUPPORTED',
        `label file path '${path}' for output '${output.name}' in model '${config.name}' is outside model directory`,
      );
    }
    labels.set(output.name, parseLabels(await readLabelFile(path)));
  }
  return labels;
}

async function readLabelFile(path: string): Promise<string> {
  let bytesCount: number;
  let text: string;
  try {
    bytesCount = (await stat(path)).size;
    text = bytesCount > labelFileBytesMax ? '' : await readFile(path, 'utf8');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing ? 'No such file or directory' : (cause as Error).message;
    throw new TritonError('INTERNAL', `failed to open text file for read ${path}: ${reason}`);
  }
  if (bytesCount > labelFileBytesMax) {
    const message = `label file ${path} has ${bytesCount} bytes, more than ${labelFileBytesMax}`;
    throw new TritonError('INVALID_ARG', message);
  }
  return text;
}

/** Whether a path, symbolic links followed as far as it exists, stays in a folder. */
async function isInside(path: string, directory: string): Promise<boolean> {
  const root = await realpath(directory).catch(() => directory);
  const real = await existingRealPath(path);
  return real === root || real.startsWith(root + sep);
}

async function existingRealPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    if (parent === path) return path;
    return join(await existingRealPath(parent), path.slice(parent.length));
  }
}
