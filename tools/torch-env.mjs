// The Python environment of the tests that need PyTorch: one that is here, else a virtual environment in .cache.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeCudaStandIns } from './cuda-stand-ins.mjs';
import { ensureFrameworkEnv, pipInstall } from './framework-env.mjs';
import { run } from './run-program.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const requirements = join(root, 'tests', 'e2e', 'python', 'torch-requirements.txt');
const torch = 'torch==2.15.0';

/** Null, or what went wrong. */
function install(python) {
  const cuda = process.platform === 'linux' && process.arch === 'x64';
  for (const wanted of [cuda ? ['--no-deps', torch] : [torch], ['-r', requirements]]) {
    const reason = pipInstall(python, wanted);
    if (reason !== null) return reason;
  }
  if (cuda) {
    const find =
      'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])';
    writeCudaStandIns(join(run(python, ['-c', find]).output, 'lib'));
  }
  const started = run(python, ['-c', 'import torch, transformers']);
  return started.ok ? null : `${torch} does not start here: ${started.output}`;
}

/**
 * Gives the Python of NEREID_TORCH_PYTHON, which has to have what torch-requirements.txt names, or one with
 * all that (600 MB, downloaded once), or why there is none here.
 */
export function ensureTorchEnv() {
  const given = process.env.NEREID_TORCH_PYTHON;
  if (given !== undefined) return { available: true, python: given };
  const state = `${torch} ${createHash('sha256').update(readFileSync(requirements)).digest('hex')}`;
  return ensureFrameworkEnv('torch', state, install);
}
