import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { checkout } from './checkout.ts';

/** Whether a driver that stands for CUDA's can be built here. */
export const fakeCuda: { readonly usable: boolean; readonly reason: string } =
  process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0
    ? { usable: true, reason: '' }
    : { usable: false, reason: ' (skipped: needs cc on Linux)' };

/** Builds it into a folder, to be named in LD_LIBRARY_PATH. */
export function buildFakeCuda(folder: string): void {
  const target = join(folder, 'libcuda.so.1');
  const source = join(checkout, 'tests', 'e2e', 'fake-cuda.c');
  const built = spawnSync('cc', ['-shared', '-fPIC', '-o', target, source], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
}
