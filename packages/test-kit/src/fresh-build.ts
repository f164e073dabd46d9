import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from '../../../tools/file-lock.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const packages = ['protocol', 'transport', 'native', 'client', 'cli', 'model', 'server'];
const bundle = join(root, 'packages', 'server', 'dist', 'main.js');

/** When the bundle was written, 0 if there is none. */
function bundledAt(): number {
  return statSync(bundle, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function changedAt(): number {
  const times = packages.flatMap((name) => {
    const folder = join(root, 'packages', name, 'src');
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => statSync(join(folder, file)).mtimeMs);
  });
  const python = join(root, 'python');
  for (const file of readdirSync(python, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.py')) times.push(statSync(join(python, file)).mtimeMs);
  }
  return Math.max(...times);
}

let checked = false;

/**
 * The command runs the bundle: builds it anew when a source has changed since, so that a test never
 * passes or fails for yesterday's code. Looks until it finds a fresh one, once in each process. Throws
 * the builder's message.
 */
export function ensureFreshBuild(): void {
  if (checked) return;
  // Under the lock already to look: another process may be writing the bundle just now.
  withFileLock(join(root, '.cache', 'build.lock'), () => {
    if (bundledAt() < changedAt()) build();
  });
  checked = true;
}

function build(): void {
  const built = spawnSync(process.execPath, [join(root, 'tools', 'build.mjs')], {
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`the build failed:\n${built.stdout}${built.stderr}`);
}
