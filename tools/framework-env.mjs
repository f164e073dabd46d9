// Virtual environments in .cache with the frameworks that tests need, each made once.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from './file-lock.mjs';
import { ensurePythonEnv } from './python-env.mjs';
import { run } from './run-program.mjs';

const cache = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache');
const installMsMax = 500_000;

/** Null, or what went wrong. */
export function pipInstall(python, wanted) {
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile'];
  const installed = run(python, [...pip, ...wanted], { timeoutMs: installMsMax });
  return installed.ok ? null : `pip could not install ${wanted.join(' ')}: ${installed.output}`;
}

function create(folder, state, install) {
  rmSync(folder, { recursive: true, force: true });
  const made = run(ensurePythonEnv(), ['-m', 'venv', folder], { timeoutMs: installMsMax });
  if (!made.ok) return made.output;
  const reason = install(join(folder, 'bin', 'python'));
  if (reason === null) writeFileSync(join(folder, '.complete'), state);
  return reason;
}

/**
 * Gives the Python of the environment `.cache/<name>-env`, or why there is none here. It is made anew when `state` is
 * another than at the last time.
 * @param install Is given the new environment's Python; gives null, or what went wrong.
 */
export function ensureFrameworkEnv(name, state, install) {
  const folder = join(cache, `${name}-env`);
  const stamp = join(folder, '.complete');
  const python = join(folder, 'bin', 'python');
  const isComplete = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === state;
  if (isComplete()) return { available: true, python };
  return withFileLock(join(cache, `${name}-env.lock`), () => {
    try {
      const reason = isComplete() ? null : create(folder, state, install);
      return reason === null ? { available: true, python } : { available: false, reason };
    } catch (error) {
      return { available: false, reason: error.message };
    }
  });
}
