import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NativeError } from './native-error.ts';

/** File names of the library in the `onnxruntime-node` package, by platform. */
const FILE_NAMES: Readonly<Record<string, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

const CUDA_PROVIDER_NAMES: Readonly<Record<string, string>> = {
  linux: 'libonnxruntime_providers_cuda.so',
  win32: 'onnxruntime_providers_cuda.dll',
};

/** Whether a library has beside it what it runs models on GPUs with. @param path null for the package's. */
export function hasCudaProvider(path: string | null): boolean {
  const provider = CUDA_PROVIDER_NAMES[process.platform];
  if (provider === undefined) return false;
  return existsSync(join(dirname(path ?? defaultLibraryPath()), provider));
}

/**
 * Path of the ONNX Runtime library that the `onnxruntime-node` package brings for this platform.
 * Throws a `LIBRARY` error where it brings none.
 */
export function defaultLibraryPath(): string {
  const fileName = FILE_NAMES[process.platform];
  const folder = join(process.platform, process.arch);
  if (fileName === undefined) throw new NativeError('LIBRARY', `no ONNX Runtime for ${folder}`);
  // The package exports its entry alone; its binaries lie beside the folder of that.
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  const path = join(dirname(entry), '..', 'bin', 'napi-v6', folder, fileName);
  if (!existsSync(path)) {
    throw new NativeError('LIBRARY', `onnxruntime-node has no library for ${folder}: ${path}`);
  }
  return path;
}
