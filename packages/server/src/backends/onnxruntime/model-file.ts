import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TritonError } from '@nereid/protocol';

/**
 * The ONNX file of a version. A folder of that name holds it as model.onnx, beside its external data.
 *
 * @throws TritonError INTERNAL with Triton's text when there is no such file.
 */
export async function modelFile(versionDirectory: string, fileName: string): Promise<string> {
  const path = join(versionDirectory, fileName === '' ? 'model.onnx' : fileName);
  const kind = await kindOf(path);
  if (kind === 'file') return path;
  const inner = join(path, 'model.onnx');
  if (kind === 'directory' && (await kindOf(inner)) === 'file') return inner;
  throw new TritonError('INTERNAL', `failed to stat file ${kind === 'directory' ? inner : path}`);
}

/** Bytes of the files in the folder of a model file: its weights may lie beside it. */
export async function modelFilesBytes(path: string): Promise<number> {
  const folder = dirname(path);
  let byteCount = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found?.isFile() === true) byteCount += found.size;
  }
  return byteCount;
}

async function kindOf(path: string): Promise<'file' | 'directory' | null> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch {
    return null;
  }
}
