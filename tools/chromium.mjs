// A real browser for the tests: the machine's own Chromium or Chrome, else Debian's, installed where that is
// allowed.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from './file-lock.mjs';
import { run } from './run-program.mjs';

const cache = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache');
const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const aptOptions = { env: { DEBIAN_FRONTEND: 'noninteractive' } };

/** The first of the browsers that starts, as its path; null for none. */
function installed() {
  const own = process.env.CHROMIUM_PATH;
  for (const name of own === undefined ? names : [own]) {
    const found = run('sh', ['-c', 'command -v "$0"', name]);
    if (found.ok && run(found.output, ['--version']).ok) return found.output;
  }
  return null;
}

/** What keeps Debian's package from being installed, or null. */
function install() {
  if (process.platform !== 'linux' || !run('apt-get', ['--version']).ok)
    return 'there is no apt-get';
  if (process.getuid() !== 0) return 'only root may install it';
  const wanted = ['install', '--yes', '--no-install-recommends', 'chromium'];
  if (run('apt-get', wanted, aptOptions).ok) return null;
  // The lists of a new machine may be empty or old.
  run('apt-get', ['update'], aptOptions);
  const { ok, output } = run('apt-get', wanted, aptOptions);
  return ok ? null : output.split('\n').slice(-3).join(' ');
}

/** Gives the browser's path, after installing it if need be (about 100 MB), or the reason why there is none. */
export function ensureChromium() {
  return withFileLock(join(cache, 'chromium.lock'), () => {
    const before = installed();
    if (before !== null) return { available: true, path: before };
    const failure = install();
    const path = installed();
    if (path !== null) return { available: true, path };
    const reason = `the tests in a browser need Chromium or Chrome, and none of ${names.join(', ')} starts (${failure ?? 'although it was installed'}): install one, as by apt-get install chromium, or name it in CHROMIUM_PATH`;
    return { available: false, reason };
  });
}
