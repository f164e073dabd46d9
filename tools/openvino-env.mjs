// The Python environment of the OpenVINO backend's tests: a virtual environment in .cache.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from './file-lock.mjs';
import { ensurePythonEnv } from './python-env.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.cache', 'openvino-env');
const python = join(folder, 'bin', 'python');
const packages = 'openvino==2026.4.1';
const stamp = join(folder, '.complete');
const installMsMax = 300_000;

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: installMsMax,
  });
  return { ok: status === 0, output: error?.message ?? `${stdout}${stderr}`.trim() };
}

function install() {
  rmSync(folder, { recursive: true, force: true });
  const made = run(ensurePythonEnv(), ['-m', 'venv', folder]);
  if (!made.ok) return made.output;
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  const installed = run(python, [...pip, packages]);
  if (!installed.ok) return `pip could not install ${packages}: ${installed.output}`;
  writeFileSync(stamp, packages);
  return null;
}

/** Gives a Python that has OpenVINO (60 MB, downloaded once), or why there is none here. */
export function ensureOpenvinoEnv() {
  return withFileLock(join(root, '.cache', 'openvino-env.lock'), () => {
    const reason = existsSync(stamp) ? null : install();
    return reason === null ? { available: true, python } : { available: false, reason };
  });
}
