// Prometheus' own checks of metrics pages and rules: built with Go, else taken out of Debian's package.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from './file-lock.mjs';
import { ensureGoToolOfReplacingModule } from './go-tools.mjs';
import { run } from './run-program.mjs';

const module = 'github.com/prometheus/prometheus/cmd/promtool@v0.305.0';
const cache = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache');

/** The program out of Debian's package, which is not installed; null where there is no apt. */
function fromDebian() {
  const folder = join(cache, 'prometheus-deb');
  const path = join(folder, 'usr', 'bin', 'promtool');
  if (existsSync(path)) return path;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (!run('apt-get', ['download', 'prometheus'], { cwd: folder }).ok) return null;
  const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
  if (archive === undefined || !run('dpkg', ['-x', archive, '.'], { cwd: folder }).ok) return null;
  rmSync(join(folder, archive));
  return existsSync(path) ? path : null;
}

/** Gives the path of promtool, after getting it if need be, or the reason why that fails. */
export function ensurePromtool() {
  const built = ensureGoToolOfReplacingModule(module, 'promtool');
  if (built.available) return built;
  const path = withFileLock(join(cache, 'promtool.lock'), fromDebian);
  return path === null ? built : { available: true, path };
}
