// The Python environment of the tests that need PyTorch: one that is here, else a virtual environment in .cache.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeCudaStandIns } from './cuda-stand-ins.mjs';
import { withFileLock } from './file-lock.mjs';
import { ensurePythonEnv } from './python-env.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const requirements = join(root, 'tests', 'e2e', 'python', 'torch-requirements.txt');
const folder = join(root, '.cache', 'torch-env');
const stamp = join(folder, '.complete');
const torch = 'torch==2.15.0';
const installMsMax = 500_000;

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: installMsMax,
  });
  return { ok: status === 0, output: error?.message ?? `${stdout}${stderr}`.trim() };
}

/** Null, or what went wrong. */
function install(python, stampText) {
  rmSync(folder, { recursive: true, force: true });
  const made = run(ensurePythonEnv(), ['-m', 'venv', folder]);
  if (!made.ok) return made.output;
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile'];
  const cuda = process.platform === 'linux' && process.arch === 'x64';
  for (const wanted of [cuda ? ['--no-deps', torch] : [torch], ['-r', requirements]]) {
    const installed = run(python, [...pip, ...wanted]);
    if (!installed.ok) return `pip could not install ${wanted.join(' ')}: ${installed.output}`;
  }
  if (cuda) {
    const find =
      'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])';
    writeCudaStandIns(join(run(python, ['-c', find]).output, 'lib'));
  }
  const started = run(python, ['-c', 'import torch, transformers']);
  if (!started.ok) return `${torch} does not start here: ${started.output}`;
  writeFileSync(stamp, stampText);
  return null;
}

/**
 * Gives the Python of NEREID_TORCH_PYTHON, which has to have what torch-requirements.txt names, or one with
 * all that (600 MB, downloaded once), or why there is none here.
 */
export function ensureTorchEnv() {
  const given = process.env.NEREID_TORCH_PYTHON;
  if (given !== undefined) return { available: true, python: given };
  const python = join(folder, 'bin', 'python');
  const state = `${torch} ${createHash('sha256').update(readFileSync(requirements)).digest('hex')}`;
  const complete = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === state;
  if (complete()) return { available: true, python };
  return withFileLock(join(root, '.cache', 'torch-env.lock'), () => {
    try {
      const reason = complete() ? null : install(python, state);
      return reason === null ? { available: true, python } : { available: false, reason };
    } catch (error) {
      return { available: false, reason: error.message };
    }
  });
}
