// Programs written in Go that tests run, built once into .cache/go-bin.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from './file-lock.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.cache', 'go-bin');
const buildMsMax = 600_000;

/** What keeps this machine from building, or null. */
function build(module, name, path) {
  const target = join(folder, `.new-${name}`);
  mkdirSync(target, { recursive: true });
  const { status, stdout, stderr, error } = spawnSync('go', ['install', module], {
    encoding: 'utf8',
    timeout: buildMsMax,
    env: { ...process.env, GOBIN: target },
  });
  if (error !== undefined) {
    return error.code === 'ENOENT' ? 'Go is not installed' : error.message;
  }
  if (status !== 0) return `go install ${module} failed: ${`${stdout}${stderr}`.trim()}`;
  const built = module.replace(/@.*/, '').split('/').at(-1);
  renameSync(join(target, built), path);
  rmSync(target, { recursive: true, force: true });
  return null;
}

/**
 * Gives the path of a Go program, after building it if need be, or the reason why that fails.
 * `module` is what `go install` takes, such as `example.org/tool/cmd/tool@v1.2.3`.
 */
export function ensureGoTool(module, name) {
  const path = join(folder, name);
  return withFileLock(join(root, '.cache', 'go-tools.lock'), () => {
    const reason = existsSync(path) ? null : build(module, name, path);
    return reason === null ? { available: true, path } : { available: false, reason };
  });
}
