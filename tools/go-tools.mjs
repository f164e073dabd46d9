// Programs written in Go that tests run, built once into .cache/go-bin.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from './file-lock.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.cache', 'go-bin');
const buildMsMax = 600_000;

/** Why `go` failed, or null. */
function go(args, options) {
  const { status, stdout, stderr, error } = spawnSync('go', args, {
    encoding: 'utf8',
    timeout: buildMsMax,
    ...options,
  });
  if (error !== undefined) {
    return error.code === 'ENOENT' ? 'Go is not installed' : error.message;
  }
  return status === 0 ? null : `go ${args.join(' ')} failed: ${`${stdout}${stderr}`.trim()}`;
}

/** `example.org/tool/cmd/tool@v1.2.3` as package and version. */
function packageOf(module) {
  return module.replace(/@.*/, '');
}

function install(module, target) {
  return go(['install', module], { env: { ...process.env, GOBIN: target } });
}

/** From within a module of our own: `go install` takes no module whose go.mod replaces others. */
function buildWithin(module, target) {
  writeFileSync(join(target, 'go.mod'), 'module tools\n\ngo 1.24\n');
  const imports = `//go:build tools\n\npackage tools\n\nimport _ "${packageOf(module)}"\n`;
  writeFileSync(join(target, 'tools.go'), imports);
  const options = { cwd: target, env: { ...process.env, GOFLAGS: '-mod=mod', GOWORK: 'off' } };
  const name = packageOf(module).split('/').at(-1);
  return (
    go(['get', module], options) ??
    go(['build', '-trimpath', '-ldflags=-s -w', '-o', name, packageOf(module)], options)
  );
}

/** What keeps this machine from building, or null. */
function build(module, name, path, how) {
  const target = join(folder, `.new-${name}`);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const reason = how(module, target);
  if (reason === null) renameSync(join(target, packageOf(module).split('/').at(-1)), path);
  rmSync(target, { recursive: true, force: true });
  return reason;
}

/**
 * Gives the path of a Go program, after building it if need be, or the reason why that fails.
 * `module` is what `go install` takes, such as `example.org/tool/cmd/tool@v1.2.3`.
 */
export function ensureGoTool(module, name) {
  return ensure(module, name, install);
}

/** As `ensureGoTool`, for a program whose go.mod replaces other modules. */
export function ensureGoToolOfReplacingModule(module, name) {
  return ensure(module, name, buildWithin);
}

/** As `ensureGoTool`, for a program of this repository: its folder has main.go, go.mod and go.sum. */
export function ensureOwnGoTool(source, name) {
  const hash = createHash('sha256');
  for (const file of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(source, file)));
  const built = `${name}-${hash.digest('hex').slice(0, 12)}`;
  return ensure(name, built, (_, target) => {
    const env = { ...process.env, GOFLAGS: '-mod=readonly', GOWORK: 'off' };
    const args = ['-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', join(target, name), '.'];
    return go(['build', ...args], { cwd: source, env });
  });
}

function ensure(module, name, how) {
  const path = join(folder, name);
  return withFileLock(join(root, '.cache', 'go-tools.lock'), () => {
    const reason = existsSync(path) ? null : build(module, name, path, how);
    return reason === null ? { available: true, path } : { available: false, reason };
  });
}
